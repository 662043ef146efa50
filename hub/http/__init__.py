"""HTTP: the same log and the same objects as on the WebSocket."""
