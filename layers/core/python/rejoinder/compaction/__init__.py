"""Conversations that get too long: what was said, in summary, takes their place (contract §7)."""
