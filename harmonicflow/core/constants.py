"""The numbers every part agrees on. Derived ones are computed, so they cannot drift apart."""

from fractions import Fraction
from typing import Final

SAMPLE_RATE: Final = 44_100  # Hz, inside the engine; sessions have their own rate
HOP: Final = 2_048  # samples per latent frame
LATENT_RATE: Final = SAMPLE_RATE / HOP  # latent frames per second, 21.53
LATENT_RATE_EXACT: Final = Fraction(SAMPLE_RATE, HOP)
LATENT_CHANNELS: Final = 32

DEFAULT_STEMS: Final = ("bass", "drums", "guitar", "piano")

# The position of a genre is its place in the networks' one-hot input, which has GENRE_PLACES
# places: append, never reorder.
GENRES: Final = (
    "rock", "pop", "funk", "jazz", "latin", "soul", "hiphop",
    "blues", "reggae", "country", "afrobeat", "electronic", "metal",
)  # fmt: skip
GENRE_PLACES: Final = 16
HEARD_GENRES: Final = ("rock", "pop", "funk", "jazz")  # what the first performers were told of arranged songs

MIN_BPM: Final = 20
MAX_BPM: Final = 400
MIN_RATE: Final = 8_000  # Hz, of a session or a clip
MAX_RATE: Final = 384_000
MIN_SECONDS: Final = 0.1  # of one selection
MAX_SECONDS: Final = 3_600  # of one clip or one selection
MAX_CHANNELS: Final = 8  # of a clip
MAX_LIKE_SECONDS: Final = 60  # of a sound that a stem is to be like
MAX_SCORE_NOTES: Final = 30_000  # of one score in a request: an hour of dense playing; three of them fit a header

# For the environment of a process before it loads NumPy. Its products here are small: on a machine with other work
# OpenBLAS's waiting threads made a job of 0.6 s take 16, and a head that turns while it plays cost twice the time.
ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

if len(GENRES) > GENRE_PLACES or not set(HEARD_GENRES) <= set(GENRES):
    raise ImportError("the genre tables contradict each other")
