"""Scripted model servers on real HTTP, as obedient as a test and as strict as the real ones."""
