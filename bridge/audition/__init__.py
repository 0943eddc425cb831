"""Hearing takes, scores and sound files: a device, several voices in step, keys, levels."""
