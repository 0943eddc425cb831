"""The bridge into REAPER: where it is, what it has registered, and the scripts that go into it."""
