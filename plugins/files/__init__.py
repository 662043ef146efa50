"""Looks into the files of folders that the operator opened."""
