"""Binaural rendering from measured head-related impulse responses."""
