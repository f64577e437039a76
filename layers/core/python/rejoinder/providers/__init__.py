"""One folder per dialect, not per company: turns in, deltas out."""
