"""What distance does to sound: it gets weaker, and the air takes the treble (ISO 9613-1:1993)."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

TEMPERATURE_K: Final = 293.15  # 20 degrees Celsius
HUMIDITY: Final = 50.0  # percent
TRIPLE_POINT_K: Final = 273.16
REFERENCE_K: Final = 293.15


def absorption_db_per_m(freq_hz: ArrayLike) -> NDArray[np.float64]:
    """Absorption by air at sea level, equations 3 to 5 and B.3: classical, oxygen's and nitrogen's part."""
    square = np.asarray(freq_hz, np.float64) ** 2
    warm = TEMPERATURE_K / REFERENCE_K
    saturation = 10 ** (4.6151 - 6.8346 * (TRIPLE_POINT_K / TEMPERATURE_K) ** 1.261)
    water = HUMIDITY * saturation  # molar concentration in percent
    oxygen_hz = 24 + 4.04e4 * water * (0.02 + water) / (0.391 + water)
    nitrogen_hz = warm**-0.5 * (9 + 280 * water * np.exp(-4.170 * (warm ** (-1 / 3) - 1)))
    oxygen = 0.01275 * np.exp(-2239.1 / TEMPERATURE_K) / (oxygen_hz + square / oxygen_hz)
    nitrogen = 0.1068 * np.exp(-3352.0 / TEMPERATURE_K) / (nitrogen_hz + square / nitrogen_hz)
    return np.asarray(8.686 * square * (1.84e-11 * warm**0.5 + warm**-2.5 * (oxygen + nitrogen)))
