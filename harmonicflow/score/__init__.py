"""Notes, chords, MIDI and the rule-based arranger."""
