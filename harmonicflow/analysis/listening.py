"""What the analyst hears: log spectra for time and for harmony, and the layout of its inputs and outputs.

Time needs short windows and coarse bands (Boeck & Davies 2020), harmony long windows and bands finer than a semitone,
so that a detuned recording shows as a shift (36 bands an octave, McFee & Bello 2017). Both stand side by side in one
array at the time bands' rate; the harmony bands are reckoned at every fourth frame and held. The arithmetic is fixed
and local (no measurement of the whole recording enters), so that pieces of a recording give the same rows.

Shapes: T sample, N analysis frame, F frequency bin.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from harmonicflow.core.constants import SAMPLE_RATE

from .spectra import Floats, magnitudes

ANALYST_HOP: Final = 512  # samples between frames
ANALYST_RATE: Final = SAMPLE_RATE / ANALYST_HOP  # 86.13 frames a second

TIME_SIZE: Final = 2048  # samples of a window for time
TIME_BANDS: Final = 64
TIME_BANDS_HZ: Final = (30.0, 16000.0)

HARMONY_SIZE: Final = 8192  # samples of a window for harmony
DEEP_SIZE: Final = 16384  # of a window for what lies below DEEP_PITCH, where semitones are narrow
DEEP_PITCH: Final = 52  # MIDI
LOWEST_PITCH: Final = 28  # MIDI, E1: the bass guitar's lowest string
OCTAVES: Final = 6
BANDS_PER_SEMITONE: Final = 3  # the middle one of each three is in tune at A = 440 Hz
HARMONY_BANDS: Final = 12 * OCTAVES * BANDS_PER_SEMITONE
HELD: Final = 4  # frames for which a row of harmony bands is held

SPECTRUM_BANDS: Final = TIME_BANDS + HARMONY_BANDS
TIME_COLUMNS: Final = slice(0, TIME_BANDS)
HARMONY_COLUMNS: Final = slice(TIME_BANDS, SPECTRUM_BANDS)

# ------------------------------------------------------------------------------------ what the network answers

TIME_OUT: Final = 2  # logits per frame
BEAT, DOWNBEAT = 0, 1  # columns of the time output

CHORD_FRAMES: Final = 8  # frames to a row of the harmony output; the frames of a call are a multiple of it
CHORD_RATE: Final = ANALYST_RATE / CHORD_FRAMES  # 10.77 rows a second; row i is about frames 8 i to 8 i + 8
NO_ROOT: Final = 12  # column of root and bass for "no chord"
ROOT: Final = slice(0, 13)  # logits of one class: pitch class of the root, or none
BASS: Final = slice(13, 26)  # the same of the lowest tone
PITCH_CLASSES: Final = slice(26, 38)  # twelve logits: is it in the chord?
KEY: Final = slice(38, 62)  # logits of one class: 12 major keys from C, 12 minor keys from C minor
HARMONY_OUT: Final = 62
