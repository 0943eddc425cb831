"""Takes as files for hosts without a script of their own: a .dawproject, or a folder of WAV and MIDI files."""
