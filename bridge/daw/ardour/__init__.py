"""The bridge into Ardour: where it is, what it has bound, and the scripts that go into it."""
