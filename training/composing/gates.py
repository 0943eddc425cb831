"""What a composer must show, as gates; each names the control that its measure must tell apart."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ..page import Gate
from .coded import FLOOR
from .copying import WHOLE as WHOLE_PASSAGE
from .genre import TIMES_CHANCE
from .likeness import LAGS, WHOLE
from .speed import LIMITS_MS, TITLES

NEAR_PEOPLE: Final = 0.03  # below people's share of notes in the chord or the scale
GROOVES_INSIDE: Final = 0.9
PLANTED_FOUND: Final = 0.9  # share of planted copies that must be found
NOISE_FOUND: Final = 0.01  # share of noise that may be
LOOPED: Final = 0.8  # of a loop of two bars: what the measures of repetition must say at least
LONGEST: Final = 0.5
TOLD_APART: Final = 0.2  # by which a control must lie below what it is a control of
Board = dict[str, Any]


def gates(board: Board) -> list[Gate]:
    """All gates of the row that ships."""
    main = board["about"]["measured"]
    return [
        *_coded(board), *_likelihood(board, main), *_harmony(board, main), *_groove(board, main), *_form(board, main),
        *_genre(board, main), *_copying(board, main), *_emotion(board, main), *_speed(board, main),
        *_kept(board, main),
    ]  # fmt: skip


def gate(what: str, column: str, value: float | None, needs: str, met: bool, valid: bool = True) -> Gate:
    """A gate that is met only where its measure tells its control apart."""
    told = needs if valid else f"{needs} (its control is not told apart)"
    return {"gate": what, "column": column, "value": value, "needs": told, "pass": bool(met and valid)}


def _coded(board: Board) -> list[Gate]:
    back, late = board["coded"]["back"], board["coded"]["late"]
    return [
        gate("notes there and back, F1", part, back[part]["f1"], f">= {FLOOR}", back[part]["f1"] >= FLOOR,
             late["all"]["f1"] < 0.5)
        for part in back
    ]  # fmt: skip


def _likelihood(board: Board, main: str) -> list[Gate]:
    out = []
    for task, rows in board["likelihood"]["tasks"].items():
        if main not in rows or "unigram" not in rows:
            out.append(gate(f"bits a note of {task} taken out", "all", None, "a network in the bundle", False))
            continue
        for column in ("all", "people"):
            if column not in rows[main]:
                continue
            own = rows[main][column]["bits_a_note"]
            for other in ("unigram", "arranger", "previous bar"):
                limit = rows[other][column]["bits_a_note"]
                valid = rows["uniform"][column]["bits_a_note"] > limit
                title, needs = f"bits a note of {task} taken out", f"< {other}'s {limit:.2f}"
                out.append(gate(title, column, own, needs, own < limit, valid))
    return out


def _harmony(board: Board, main: str) -> list[Gate]:
    rows, out = board["harmony"], []
    for measure, title in (("chord_onsets", "notes in the chord asked for"), ("scale_onsets", "notes in the scale")):
        own, people = rows[main][measure].get("all"), rows["people"][measure].get("all")
        moved = rows["chords moved"][measure].get("all")
        if own is None or people is None:
            out.append(gate(title, "all", own, "chords that people annotated", False))
            continue
        limit = people - NEAR_PEOPLE
        out.append(gate(title, "all", own, f">= {limit:.3f}", own >= limit, own - (moved or 0.0) > TOLD_APART))
    return out


def _groove(board: Board, main: str) -> list[Gate]:
    rows = board["groove"]
    own, stiff = rows[main]["inside"], rows["mechanical"]["inside"]
    unseen = rows["people, test split"]["inside"]
    valid = stiff is not None and unseen is not None and unseen - stiff > TOLD_APART
    title = "groove statistics within two standard deviations of people's"
    met = own is not None and own >= GROOVES_INSIDE
    return [gate(title, "all", own, f">= {GROOVES_INSIDE}", met, valid)]


def _form(board: Board, main: str) -> list[Gate]:
    people = board["form"]["people"].get(WHOLE, {})
    own, looped = (board["form"]["rows"][row].get(WHOLE, {}) for row in (main, "looped"))
    told = {figure: looped.get(figure, {"mean": 0.0})["mean"] > LOOPED for figure in ("repeated", "all_of_it")}
    out = []
    for lag in LAGS:
        figure = f"lag_{lag}"
        if figure in people and figure in own:
            low, high = people[figure][:2]
            value = own[figure]["mean"]
            needs = f"{low:.2f} to {high:.2f}"
            out.append(gate(f"likeness of bars {lag} apart, 64 bars", WHOLE, value, needs, low <= value <= high))
    if "repeated" in own:
        value = own["repeated"]["largest"]
        title = "4-bar passages heard before note for note, the most"
        out.append(gate(title, WHOLE, value, "< 1", value < 1, told["repeated"]))
        longest = own["all_of_it"]["largest"]
        title = "longest literal repetition, share of the piece, the most"
        out.append(gate(title, WHOLE, longest, f"<= {LONGEST}", longest <= LONGEST, told["all_of_it"]))
    return out


def _genre(board: Board, main: str) -> list[Gate]:
    found = board["genre"]
    times, true = found["rows"][main]["all"] / found["chance"], found["true"]["all"] / found["chance"]
    noise = found["rows"].get("noise", {}).get("all", 0.0) / found["chance"]
    valid = true >= TIMES_CHANCE and noise < TIMES_CHANCE / 2
    title = f"genres named right, times chance (true songs {true:.1f})"
    return [gate(title, "all", times, f">= {TIMES_CHANCE:g}", times >= TIMES_CHANCE, valid)]


def _copying(board: Board, main: str) -> list[Gate]:
    found, out = board["copying"], []
    planted, noise = found["rows"]["planted"], found["rows"].get("noise", {})
    for part, limit in found["allowed"].items():
        value = found["rows"][main][part]["share"]
        valid = (
            planted.get(part, {"share": 0.0})["share"] > PLANTED_FOUND
            and noise.get(part, {"share": 0.0})["share"] < 0.01
        )
        needs = f"<= {limit:.3f} (test songs {_share(found['rows']['test songs'], part):.3f})"
        column = "whole" if part == WHOLE_PASSAGE else part
        out.append(gate("2-bar passages of the training songs", column, value, needs, value <= limit, valid))
    return out


def _share(row: dict[str, Any], part: str) -> float:
    return float(row.get(part, {"share": 0.0})["share"])


def _emotion(board: Board, main: str) -> list[Gate]:
    deaf = {(row["what"], row["with"]): row for row in board["emotion"]["not told"]}
    out = []
    for row in board["emotion"][main]:
        control = deaf.get((row["what"], row["with"]), {"monotonic": False})
        needs = f"rises over five levels: {row['means']}"
        title = f"{row['what']} with {row['with']}, rank correlation"
        out.append(gate(title, "all", row["rank_correlation"], needs, row["monotonic"], not control["monotonic"]))
    return out


def _speed(board: Board, main: str) -> list[Gate]:
    found = board["speed"][main]
    return [
        gate(f"{TITLES[name]}, ms", "all", found[name], f"<= {limit:g}", found[name] <= limit)
        for name, limit in LIMITS_MS.items()
    ]


def _kept(board: Board, main: str) -> list[Gate]:
    found = board["kept"][main]
    share = found["exact"] / max(found["masks"], 1)
    needs = f"all of {found['masks']}"
    written = found["rewritten"] / max(found["masks"], 1)
    return [gate("random masks outside which every note is kept", "all", share, needs, share == 1.0, written > 0.5)]


def met(found: list[Gate]) -> float:
    """The share of gates that pass."""
    return float(np.mean([row["pass"] for row in found])) if found else 0.0
