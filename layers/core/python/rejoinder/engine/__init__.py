"""Deltas in, events out: no I/O, and no upstream's name."""
