"""The tests, a package of its own: another distribution installs a top-level `tests` too."""
