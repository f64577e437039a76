"""Rejoinder on one machine: one process, one SQLite file. Never deployed to Lambda."""
