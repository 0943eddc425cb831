"""Ardour as it is, driven from outside: real sessions, a real window under Xvfb, the real daemon."""
