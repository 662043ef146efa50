"""Weather now, ahead, and as it was."""
