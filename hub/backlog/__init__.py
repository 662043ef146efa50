"""What waits for a slot: who is next, and at which place each one is.

Machines without I/O, clock or chance. `backlog` is what engines use; `line`, `lane` and
`numbers` are its parts, each of the next one.
"""
