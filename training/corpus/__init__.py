"""The corpus: rendering songs from MIDI into stems with labels."""
