"""What can be heard in a recording and read in a request: beats, key, chords, curves, words; and probes."""
