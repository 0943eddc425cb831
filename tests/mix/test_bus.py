"""The bus adds up what is delivered."""

import numpy as np

from harmonicflow.mix.bus import MixBus, mix, total

RATE = 44100
RNG = np.random.default_rng(0)


def test_the_bus_is_the_sum_of_what_is_delivered():
    stems = {name: (RNG.standard_normal((2, 9000)) * 0.05).astype(np.float32) for name in ("drums", "bass", "piano")}
    expected = stems["drums"] + stems["bass"] + stems["piano"]
    assert np.abs(total(stems) - expected).max() < 1e-7
    assert total(dict(reversed(stems.items()))).tobytes() == total(stems).tobytes()
    assert mix(stems, RATE).tobytes() == total(stems).tobytes()
    bus = MixBus(RATE)
    parts = [bus.process({name: x[:, at : at + 1234] for name, x in stems.items()}) for at in range(0, 9000, 1234)]
    assert np.concatenate([*parts, bus.finish()], axis=1).tobytes() == mix(stems, RATE).tobytes()


def test_mono_stems_are_centred():
    x = np.ones(10, np.float32) * 0.1
    assert np.allclose(total({"bass": x, "drums": x[None]}), 0.2 * np.sqrt(0.5))
