"""Scores as standard MIDI files, both ways, through mido: `midi_write` and `midi_read` under one name."""

from .midi_bytes import MAX_BYTES
from .midi_read import MAX_BEATS, MAX_NOTES, MidiFile, read_midi
from .midi_tracks import DRUM_CHANNEL, Track
from .midi_write import TICKS_PER_BEAT, write_midi

__all__ = [
    "DRUM_CHANNEL", "MAX_BEATS", "MAX_BYTES", "MAX_NOTES", "TICKS_PER_BEAT", "MidiFile", "Track", "read_midi",
    "write_midi",
]  # fmt: skip
