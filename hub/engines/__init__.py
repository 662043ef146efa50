"""Engines: where logs live and work is queued.

`base` is the contract, and its suite runs over every engine. Import an engine's own
module; this package imports none, so that a driver is loaded only where it is used.
"""
