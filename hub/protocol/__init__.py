"""The wire protocol, without I/O, clock or randomness.

`frames` says what may be said, `cursors` what a watcher reads next, `writing` how
frames become messages, and `connection` what a peer's bytes mean.
"""
