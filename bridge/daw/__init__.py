"""Bridges into DAWs: what they share, and one folder a host."""
