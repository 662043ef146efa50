"""Running one attempt of a command: on the loop, or in a thread."""
