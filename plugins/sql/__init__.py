"""Queries over files of folders that the operator opened."""
