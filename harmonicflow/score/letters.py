"""Letters for pictures without a font: five rows of three pixels each, drawn twice as large."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SCALE = 2
WIDTH, HEIGHT = 4 * SCALE, 5 * SCALE  # of a letter with the gap after it, in pixels

# Each digit is a row from the top, its bits the pixels from the left: 7 = all three, 5 = the outer two.
GLYPHS = {
    "A": "25755", "B": "65656", "C": "34443", "D": "65556", "E": "74647", "F": "74644", "G": "34553", "H": "55755",
    "I": "72227", "J": "11152", "K": "55655", "L": "44447", "M": "57755", "N": "65555", "O": "25552", "P": "65644",
    "Q": "25563", "R": "65655", "S": "34216", "T": "72222", "U": "55557", "V": "55552", "W": "55775", "X": "55255",
    "Y": "55222", "Z": "71247", "a": "03553", "b": "46556", "c": "03443", "d": "13553", "e": "02743", "f": "12722",
    "g": "03531", "h": "46555", "i": "20222", "j": "10152", "k": "45655", "l": "62227", "m": "07755", "n": "06555",
    "o": "02552", "p": "06564", "q": "03531", "r": "05644", "s": "03616", "t": "27221", "u": "05553", "v": "05522",
    "w": "05577", "x": "05255", "y": "05316", "z": "07247", "0": "75557", "1": "26227", "2": "61247", "3": "61216",
    "4": "55711", "5": "74616", "6": "34757", "7": "71222", "8": "75757", "9": "75716", "#": "57575", "/": "11244",
    "(": "12221", ")": "42224", "+": "02720", "-": "00700", ".": "00002", ",": "00024", "|": "22222", ":": "02020",
}  # fmt: skip


def letters(text: str) -> NDArray[Any]:
    """Whether each pixel is ink, bool [HEIGHT, WIDTH * letters]; what has no glyph is a gap."""
    rows = np.zeros((5, 4 * len(text)), bool)
    for place, letter in enumerate(text):
        for row, digit in enumerate(GLYPHS.get(letter, "00000")):
            rows[row, 4 * place : 4 * place + 3] = [int(digit) >> bit & 1 for bit in (2, 1, 0)]
    return rows.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
