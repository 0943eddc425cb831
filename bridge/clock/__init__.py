"""MIDI clock in: a host's tempo and place followed, and notes and sound in time with it."""
