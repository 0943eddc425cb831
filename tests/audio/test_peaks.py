"""Peak overviews hold every extreme, and their bytes are the documented ones."""

import struct

import numpy as np

from harmonicflow.audio.peaks import peaks, peaks_bytes


def test_every_extreme_is_in_its_pixel():
    x = np.zeros((2, 1000), np.float32)
    x[0, 300], x[1, 999] = 0.5, -0.25
    overview = peaks(x, 256)
    assert overview.shape == (2, 4, 2)
    assert overview[0].tolist() == [[0, 0], [0, 0.5], [0, 0], [0, 0]]
    assert overview[1].tolist() == [[0, 0], [0, 0], [0, 0], [-0.25, 0]]
    assert peaks(np.zeros((2, 0))).shape == (2, 0, 2)


def test_the_bytes():
    data = peaks_bytes(np.array([[1.0, -0.5], [2.0, 0.0]], np.float32), 48000, 2)
    assert struct.unpack("<iIiiIi4h", data) == (2, 0, 48000, 2, 1, 2, -16384, 32767, 0, 32767)
