"""Figures of the hub, measured beside a bare echo server on the same machine."""
