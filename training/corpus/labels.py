"""A rendered song's labels.json and score.mid. The labels' notes are the truth: they are what was rendered."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final

import mido
import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.instruments import INSTRUMENTS

from .harmony import derived_emotion
from .song import Song
from .sounds import Sound

TICKS_PER_BEAT: Final = 960
_DEFAULT_BEAT_S: Final = 0.5  # score.mid of a piece whose beats are not known


def cover(beats_s: NDArray[np.float64], seconds: float) -> NDArray[np.float64]:
    """The beats, carried on at their last pace to the end of the sound."""
    if len(beats_s) < 2:
        return beats_s
    step = float(beats_s[-1] - beats_s[-2])
    more = int(max(np.ceil((seconds - beats_s[-1]) / step), 0))
    return np.concatenate([beats_s, beats_s[-1] + step * np.arange(1, more + 1)])


def cover_bars(downbeats: tuple[float, ...], beats: int) -> tuple[float, ...]:
    """The bars, carried on at their last length to the last beat."""
    out = list(downbeats)
    if len(out) >= 2:
        while out[-1] + out[-1] - out[-2] <= beats - 1:
            out.append(out[-1] + out[-1] - out[-2])
    return tuple(out)


def tempo_of(beats_s: NDArray[np.float64]) -> float | None:
    """Beats a minute, the median over the song; None without beats."""
    return None if len(beats_s) < 2 else round(60.0 / float(np.median(np.diff(beats_s))), 3)


def make_labels(song: Song, sound: Sound, gain_db: float, seed: int) -> dict[str, Any]:
    """The labels of a song as a JSON object; times in seconds from the first sample."""
    beats = cover(song.beats_s, song.seconds)
    downbeats = cover_bars(song.downbeats, len(beats))
    tempo = tempo_of(song.beats_s)
    return {
        "group": song.group,
        "corpus": song.corpus,
        "source": song.source,
        "drums_from": song.drums_from,
        "genre": song.genre,
        "genre_arranged": song.genre_arranged,
        "emotion": derived_emotion(song.parts, song.key, tempo, song.seconds),
        "tempo_bpm": tempo,
        "meter": song.meter,
        "beats_s": [round(float(t), 5) for t in beats],
        "downbeats": [int(b) if b == int(b) else round(b, 4) for b in downbeats],
        "chords": [[round(float(a), 4), round(float(b), 4), name] for a, b, name in song.chords],
        "key": song.key,
        "sections": [[round(float(a), 4), round(float(b), 4), name] for a, b, name in song.sections],
        "programs": {name: sound.voice(name).program for name in song.parts},
        "banks": {name: sound.voice(name).bank for name in song.parts},
        "varied": sound.varied,
        "sound_font": sound.sound_font.name,
        "gain_db": round(gain_db, 3),
        "notes": {
            name: [[round(float(r[0]), 5), round(float(r[1]), 5), int(r[2]), int(r[3])] for r in part]
            for name, part in sorted(song.parts.items())
        },
        "seconds": song.seconds,
        "made": list(song.made),
        "seed": seed,
    }  # fmt: skip


def write_labels(path: Path, labels: dict[str, Any]) -> None:
    """Write labels.json, one field a line (a corpus of hours stays readable with ordinary tools)."""
    rows = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in labels.items()]
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def score_midi(labels: dict[str, Any]) -> bytes:
    """A standard MIDI file of the labels, for people: tick 0 is the first sample, every beat has its own tempo."""
    beats = np.asarray(labels["beats_s"])
    if len(beats) < 2:
        beats = np.arange(0, labels["seconds"] + 2, _DEFAULT_BEAT_S)
    midi = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    midi.tracks.append(_time_track(beats, labels["meter"]))
    edges_s, edges_ticks = _tick_edges(beats)
    midi.tracks.append(_chord_track(labels["chords"], edges_s, edges_ticks))
    for name in DEFAULT_STEMS:
        notes = labels["notes"].get(name)
        if notes:
            ticks = np.interp([note[:2] for note in notes], edges_s, edges_ticks)
            midi.tracks.append(_note_track(name, labels["programs"][name], ticks, notes))
    buffer = io.BytesIO()
    midi.save(file=buffer)
    return buffer.getvalue()


def _tick_edges(beats_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds and ticks of the tempo map. A first beat after 0 is preceded by one beat of that length."""
    if beats_s[0] > 1e-4:
        beats_s = np.concatenate([[0.0], beats_s])
    return beats_s, np.arange(len(beats_s), dtype=np.float64) * TICKS_PER_BEAT


def _time_track(beats_s: NDArray[np.float64], meter: str) -> mido.MidiTrack:
    track = mido.MidiTrack([mido.MetaMessage("track_name", name="time", time=0)])
    above, below = (int(number) for number in meter.split("/"))
    track.append(mido.MetaMessage("time_signature", numerator=above, denominator=below, time=0))
    edges_s, _ = _tick_edges(beats_s)
    now_us, wait, last = 0, 0, None
    for end in edges_s[1:]:
        tempo = max(round(end * 1e6) - now_us, 1)  # from where the file is, so that rounding never adds up
        if tempo != last:
            track.append(mido.MetaMessage("set_tempo", tempo=tempo, time=wait))
            wait, last = 0, tempo
        now_us, wait = now_us + tempo, wait + TICKS_PER_BEAT
    return track


def _chord_track(
    chords: list[list[Any]], edges_s: NDArray[np.float64], edges_ticks: NDArray[np.float64]
) -> mido.MidiTrack:
    """The chords as text events "chord Am7", as `harmonicflow.score.midi` writes them; "N" where there is none."""
    names: dict[int, str] = {0: "N"}
    for start_s, end_s, name in chords:
        start, end = (int(tick) for tick in np.round(np.interp((start_s, end_s), edges_s, edges_ticks)))
        names.pop(start, None)
        names[start] = name
        names.setdefault(end, "N")
    track, now = mido.MidiTrack([mido.MetaMessage("track_name", name="chords", time=0)]), 0
    for tick in sorted(names):
        track.append(mido.MetaMessage("text", text=f"chord {names[tick]}", time=tick - now))
        now = tick
    return track


def _note_track(name: str, program: int, ticks: NDArray[np.float64], notes: list[list[float]]) -> mido.MidiTrack:
    row = INSTRUMENTS[name]
    channel = row.midi_channel
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=row.title, time=0)])
    track.append(mido.Message("program_change", channel=channel, program=program, time=0))
    events: list[tuple[int, int, int, int]] = []
    for (on, off), note in zip(np.round(ticks).astype(int), notes, strict=True):
        events.append((int(on), 1, int(note[2]), int(note[3])))
        events.append((max(int(off), int(on) + 1), 0, int(note[2]), 0))
    now = 0
    for tick, on, pitch, velocity in sorted(events):
        kind = "note_on" if on else "note_off"
        track.append(mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=tick - now))
        now = tick
    return track
