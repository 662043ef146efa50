"""Runs the programs that the operator listed."""
