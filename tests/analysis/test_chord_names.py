"""Chords of every quality, planted as sound and as logits, named by the one search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from harmonicflow.analysis.chord_decoding import decode_chords, key_probabilities_of, pool_logits
from harmonicflow.analysis.harmony import attacks, carried, counted, hear_harmony, held_costs, newness
from harmonicflow.analysis.listening import BASS, CHORD_RATE, HARMONY_OUT, KEY, NO_ROOT, PITCH_CLASSES, ROOT
from harmonicflow.analysis.pitch_profile import LOWEST, PARTIAL_DECAY, SEMITONES, find_peaks, folded, without_overtones
from harmonicflow.score.chord_search import BAR_LINE, HALF_BAR, WITHIN
from harmonicflow.score.chord_table import RARITY
from harmonicflow.score.chords import Chord, parse_chord

RATE = 44100
BEAT_S = 0.6
BAR = (BAR_LINE, WITHIN, HALF_BAR, WITHIN)


def planted(play, qualities, style, seed):
    """Four beats of each quality on a root of its own, in some inversion over its root; and the chords."""
    random = np.random.default_rng(seed)
    chords = [Chord(int(random.integers(12)), quality) for quality in qualities]
    notes = []
    for place, chord in enumerate(chords):
        start = 4 * place * BEAT_S
        tones = sorted(54 + (chord.root + tone - 54) % 12 for tone in chord.intervals)
        turn = int(random.integers(len(tones)))
        tones = tones[turn:] + [tone + 12 for tone in tones[:turn]]
        notes.append((start, 4 * BEAT_S, 36 + (chord.root - 36) % 12, 100))
        if style == "arpeggio":
            for eighth in range(8):
                notes.append((start + eighth * BEAT_S / 2, 1.5 * BEAT_S, tones[eighth % len(tones)], 80))
        else:
            notes += [(start + beat * BEAT_S, BEAT_S, tone, 70) for beat in range(4) for tone in tones]
    return play(notes, 4 * len(chords) * BEAT_S, decay_s=1.2), chords


def heard(sound, chords):
    """The chord of the second beat of each bar."""
    beats = 4 * len(chords)
    found = hear_harmony(sound, RATE, np.arange(beats + 1) * BEAT_S, np.array(BAR * len(chords))).chords
    return [next(one.chord for one in found if one.first <= 4 * bar + 1 < one.last) for bar in range(len(chords))]


COMMON = ["", "m", "7", "m7", "maj7", "sus4", "sus2", "dim", "m7b5", "aug"]
RICH = ["9", "m9", "maj9", "m6", "7b9", "add9", "7sus4"]


@pytest.mark.parametrize("style", ["struck", "arpeggio"])
@pytest.mark.parametrize("seed", [1, 2])
def test_common_chords_are_named(play, style, seed):
    sound, chords = planted(play, COMMON, style, seed)
    found = heard(sound, chords)
    # The three roots of an augmented chord are one chord to the ear.
    wrong = [(want.name, got and got.name) for want, got in zip(chords, found, strict=True)
             if got != want and not (want.quality == "aug" and got.pitch_classes == want.pitch_classes)]  # fmt: skip
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize("style", ["struck", "arpeggio"])
def test_rich_chords_have_root_and_third_and_most_their_name(play, style):
    sound, chords = planted(play, RICH, style, 4)
    found = heard(sound, chords)
    assert [chord.root for chord in found] == [chord.root for chord in chords]
    assert sum(got == want for got, want in zip(found, chords, strict=True)) >= 4
    assert all(got.pitch_classes <= want.pitch_classes for got, want in zip(found, chords, strict=True))


def test_triads_do_not_become_ninths_by_their_overtones(play):
    sound, chords = planted(play, ["", "m", "", "m", "", "m"], "struck", 7)
    assert heard(sound, chords) == chords


def test_overtones_are_explained_away(play):
    sound = play([(0, 2, 52, 100)], 2.0, decay_s=5.0)  # one E: its third partial is B
    profile = find_peaks(sound, RATE, 2048, 8192).profile().mean(axis=0, keepdims=True)
    assert profile.shape == (1, SEMITONES) and profile[0].argmax() == 52 - LOWEST
    before, after = folded(profile)[0], folded(without_overtones(profile))[0]
    assert before[11] > 0.3 * before[4] and after[11] / after[4] < before[11] / before[4]
    modelled = np.zeros((1, SEMITONES))
    for number in range(1, 9):
        modelled[0, 52 - LOWEST + round(12 * np.log2(number))] += PARTIAL_DECAY ** (number - 1)
    found = without_overtones(np.sqrt(modelled))[0]
    assert found.argmax() == 52 - LOWEST and np.sort(found)[-2] < 0.1 * found.max()


def test_a_chord_that_rings_on_stays_one_chord(play):
    pitches = (40, 59, 62, 66, 67)  # Em9, struck once, left to die away
    sound = play([(0.1 * place, 9, pitch, 90) for place, pitch in enumerate(pitches)], 9.0, decay_s=1.2)
    found = hear_harmony(sound, RATE, np.arange(19) * 0.5, np.array((BAR * 5)[:18]))
    longest = max((one for one in found.chords if one.chord), key=lambda one: one.last - one.first)
    assert longest.chord.root == 4 and longest.chord.is_minor and longest.last - longest.first >= 8


def test_what_is_held_counts_once():
    held = np.array([0.0, 15.0, 7.5])
    assert counted(held).tolist() == pytest.approx([1.0, 0.1, 0.55])
    assert carried(np.array([[1.0], [0.0], [0.0]]), held)[:, 0].tolist() == pytest.approx([1.0, 1.0, 0.5])
    assert newness(np.array([1.0, 1e-4, 0.0])).tolist() == pytest.approx([1.0, 0.1, 0.1])
    assert held_costs(np.array([0.0, 1.0])).tolist() == [15.0, 0.0]
    steady = np.ones((40, SEMITONES))
    steady[20:, 3] = 200.0
    assert attacks(steady, np.array([0, 10, 30, 40])).round(1).tolist() == [0.0, 0.7, 0.0]


# --------------------------------------------------------------------------------------------------------- logits


def logits_of(chords, rows=6, sure=4.0, noise=0.0, seed=0):
    """What a network that hears each chord for `rows` rows says; None is no chord."""
    random = np.random.default_rng(seed)
    out = np.zeros((rows * len(chords), HARMONY_OUT))
    for place, chord in enumerate(chords):
        span = slice(place * rows, (place + 1) * rows)
        row = np.zeros(HARMONY_OUT)
        row[PITCH_CLASSES] = -sure
        row[ROOT.start + (NO_ROOT if chord is None else chord.root)] = 2 * sure
        row[BASS.start + (NO_ROOT if chord is None else chord.bass_class)] = 2 * sure
        for tone in () if chord is None else chord.pitch_classes:
            row[PITCH_CLASSES.start + tone] = sure
        row[KEY.start] = sure
        out[span] = row
    return out + noise * random.normal(size=out.shape)


def decoded(logits, count, rows=6):
    edges = np.arange(count + 1) * rows / CHORD_RATE
    found = decode_chords(logits, CHORD_RATE, edges, np.full(count, BAR_LINE))
    return [next(one.chord for one in found if one.first <= beat < one.last) for beat in range(count)]


def test_every_quality_is_decoded_from_noisy_logits():
    chords = [Chord((5 * place) % 12, quality) for place, quality in enumerate(RARITY)]
    chords += [parse_chord(name) for name in ("C/E", "Dm/F", "G7/B", "Am7/G", "Em9")] + [None]
    found = decoded(logits_of(chords, sure=5.0, noise=1.0), len(chords))
    wrong = [(want and want.name, got and got.name) for want, got in zip(chords, found, strict=True) if want != got]
    assert len(wrong) <= 2, wrong
    assert found[-2].name == "Em9" and found[-1] is None


def test_pooling_takes_a_beats_own_rows():
    rows = np.repeat(np.arange(4.0), 3)[:, None]
    assert pool_logits(rows, 3.0, np.arange(5.0))[:, 0].tolist() == pytest.approx([0, 1, 2, 3])
    odd = pool_logits(rows, 3.0, np.array([0.4, 0.41, 9.0, 9.5]))
    assert odd[:, 0].tolist() == pytest.approx([0, 2.05, 3], abs=0.3)
    assert key_probabilities_of(logits_of([Chord(0)])).sum(axis=1) == pytest.approx(1)


@settings(max_examples=25)
@given(strategies.integers(1, 12), strategies.integers(1, 40), strategies.integers(0, 2**16), strategies.booleans())
def test_any_logits_give_a_chart(beats, rows, seed, held):
    random = np.random.default_rng(seed)
    edges = np.concatenate([[0], np.cumsum(random.uniform(0.05, 2.0, beats))])
    extra = random.uniform(0, 15, beats) if held else None
    found = decode_chords(
        random.normal(0, 30, (rows, HARMONY_OUT)), CHORD_RATE, edges, random.integers(0, 3, beats), extra
    )
    assert found[0].first == 0 and found[-1].last == beats
    pairs = zip(found, found[1:], strict=False)
    assert all(one.last == other.first and one.chord != other.chord for one, other in pairs)
