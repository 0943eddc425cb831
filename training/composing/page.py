"""The composer's scoreboard for people: tables on the terminal, and docs/composer.md.

The page holds no figure that was not measured: everything in it comes from the scoreboard, so that it can be written
again after every promotion.
"""

from __future__ import annotations

from collections.abc import Iterator
from os.path import relpath
from pathlib import Path
from typing import Any

from ..page import aligned, demands, gate_lines, markdown
from .groove import STATISTICS
from .harmony import SHARES
from .likeness import LAGS
from .speed import LIMITS_MS, TITLES

Board = dict[str, Any]
Block = tuple[str, str, list[list[str]]]  # title, what it says, rows of a table
SHARE_TITLES = {
    "chord_onsets": "notes that begin in the chord", "chord_time": "time in the chord",
    "scale_onsets": "notes that begin in the chord or the key", "scale_time": "time in the chord or the key",
}  # fmt: skip
WORST = 8  # genres, parts and statistics farthest from people that are shown


def table(board: Board) -> str:
    """The scoreboard and the gates for a terminal."""
    lines = [", ".join(f"{key} {value}" for key, value in board["about"].items())]
    for title, _, rows in blocks(board):
        lines += ["", title, *aligned(rows)]
    return "\n".join([*lines, "", *gate_lines(board["gates"])])


def blocks(board: Board) -> Iterator[Block]:
    """Each measure as a table with a sentence of what it means."""
    yield _coded(board)
    yield from _likelihood(board)
    yield _harmony(board)
    yield from _groove(board)
    yield from _form(board)
    yield from _genre(board)
    yield _copying(board)
    yield from _emotion(board)
    yield _speed(board)
    yield _kept(board)


def _coded(board: Board) -> Block:
    rows = [["", "F1", "timing, ms", "velocity", "duration, octaves", "notes", "control: late, F1"]]
    late = board["coded"]["late"]
    for part, row in board["coded"]["back"].items():
        figures = [f"{row['f1']:.4f}", f"{row['timing_ms']:.2f}", f"{row['velocity']:.2f}",
                   f"{row['duration_octaves']:.3f}", f"{row['notes']:.0f}", f"{late[part]['f1']:.4f}"]  # fmt: skip
        rows.append([part, *figures])
    text = (
        "Scores of test songs turned into cells and back: what the composer could at best write. A note comes back"
        " where one of its pitch begins within 50 ms and a sixteenth of a beat; mean differences of those that do."
    )
    return "Notes there and back through cells", text, rows


def _likelihood(board: Board) -> Iterator[Block]:
    titles = {"cells": "single cells taken out", "hole": "a hole of four bars in one part"}
    for task, found in board["likelihood"]["tasks"].items():
        parts = list(next(iter(found.values())))
        rows = [["bits a note (bits a cell)", *parts]]
        for name, by_part in found.items():
            cells = [f"{by_part[part]['bits_a_note']:.2f} ({by_part[part]['bits_a_cell']:.1f})" for part in parts]
            rows.append([name, *cells])
        text = (
            "How surprised each is by what test songs have there, given everything that was left: fewer bits are"
            " better, and the uniform row is the control. All are proper distributions over the same tokens. The"
            " column people leaves out the parts that the arranger wrote for songs that lack them."
        )
        yield f"Likelihood: {titles[task]}", text, rows


def _harmony(board: Board) -> Block:
    rows = [["", *(SHARE_TITLES[share] for share in SHARES)]]
    for name, shares in board["harmony"].items():
        rows.append([name, *(_number(shares[share].get("all"), 3) for share in SHARES)])
    text = (
        "Pitched notes against the chords that were asked for. People are those whose chords were annotated by others"
        " (piano); the control asks the same notes about chords a tritone away."
    )
    return "Notes in the asked chord and scale", text, rows


def _groove(board: Board) -> Iterator[Block]:
    rows = [["", "all", *STATISTICS, "compared"]]
    for name, found in board["groove"].items():
        shares = [found["inside"], *(found["by_statistic"][word] for word in STATISTICS)]
        rows.append([name, *(_number(share, 2) for share in shares), str(found["of"])])
    text = (
        "The share of (genre, part, statistic) whose mean lies within two standard deviations of people's eight-bar"
        " passages of that genre. "
        + "; ".join(f"{word}: {title}" for word, title in STATISTICS.items())
        + ". The control plays the same notes on the grid, all equally loud."
    )
    yield "Groove, beside people's", text, rows
    own = board["groove"][board["about"]["measured"]]["rows"]
    worst = sorted(own, key=lambda row: -abs(row["off_by"]))[:WORST]
    far = [["genre, part", "statistic", "people", "spread", "measured", "off by"]]
    for row in worst:
        figures = [f"{row[key]:.2f}" for key in ("people", "spread", "value", "off_by")]
        far.append([f"{row['genre']}, {row['part']}", STATISTICS[str(row["statistic"])], *figures])
    yield "Farthest from people", f"Of {board['about']['measured']}, in standard deviations.", far


def _form(board: Board) -> Iterator[Block]:
    people = board["form"]["people"]
    names = ["whole", *(part for part in people if part != "whole")]
    figures = {f"lag_{lag}": f"{lag} apart" for lag in LAGS} | {
        "repeated": "4 bars heard before", "longest": "longest repetition, bars",
    }  # fmt: skip
    for part in names:
        if part not in people:
            continue
        rows = [["", *figures.values()]]
        spans = [people[part].get(figure) for figure in figures]
        rows.append(["people, 5 to 95 %", *("-" if s is None else f"{s[0]:.2f} to {s[1]:.2f}" for s in spans)])
        for name, found in board["form"]["rows"].items():
            values = [found.get(part, {}).get(figure, {}).get("mean") for figure in figures]
            rows.append([name, *(_number(value, 2) for value in values)])
        count = max(span[3] for span in people[part].values())
        text = f"Means over pieces of {board['about']['long_bars']} bars; people: {count} human songs."
        yield f"Repetition and change: {part}", text, rows


def _genre(board: Board) -> Iterator[Block]:
    found = board["genre"]
    genres = found["genres"]
    rows = [["", "all", *genres]]
    for name, row in ({"true songs": found["true"]} | found["rows"]).items():
        rows.append([name, *(_number(row.get(genre), 2) for genre in ("all", *genres))])
    text = (
        f"A judge fitted to train songs of each genre names the genre of notes alone; chance is {found['chance']:.3f}."
        " It is told neither tempo nor chords, which are asked for and not composed. True songs are charts of the test"
        " split with human drums where there are any."
    )
    yield "Genres named by a judge", text, rows
    drums = found["drums"]
    rows = [["", "all"], ["true drummers", _number(drums["true"].get("all"), 2)]]
    rows += [[name, _number(row.get("all"), 2)] for name, row in drums["rows"].items()]
    text = f"A second judge that heard human drummers only; chance is {drums['chance']:.3f}."
    yield "Genres named by drums alone", text, rows


def _copying(board: Board) -> Block:
    found = board["copying"]
    parts = list(found["passages_in_training"])
    rows = [["", *parts]]
    for name, row in found["rows"].items():
        rows.append([name, *(f"{row[p]['share']:.3f} +- {row[p]['error']:.3f}" if p in row else "-" for p in parts)])
    rows.append(["allowed", *(_number(found["allowed"].get(part), 3) for part in parts)])
    text = (
        "The share of two-bar passages (transposed ones too; of eight notes or more, drums of twelve, bands of 24) that"
        f" the {board['about']['train_songs']} training songs hold literally. Allowed is the test songs' own rate"
        " and two standard errors; planted copies must be found, noise must not."
    )
    return "Passages copied from training", text, rows


def _emotion(board: Board) -> Iterator[Block]:
    for name, found in board["emotion"].items():
        at = found[0]["at"] if found else []
        rows = [["", *(f"{level:g}" for level in at), "rank correlation", ""]]
        for row in found:
            word = "rises" if row["monotonic"] else "does not"
            levels = [f"{level:.2f}" for level in row["levels"]]
            title = f"{row['what']} with {row['with']}"
            rows.append([title, *levels, f"{row['rank_correlation']:.2f}", word])
        text = (
            "Means over the levels of valence or arousal, the other axis and genres averaged; tempo is the one"
            " preferred, mode the share of pieces in major, register a MIDI pitch, density onsets a beat."
        )
        yield f"Moods: {name}", text, rows


def _speed(board: Board) -> Block:
    rows = [["ms", *board["speed"], "asked"]]
    for name, title in TITLES.items():
        rows.append([title, *(f"{row[name]:.0f}" for row in board["speed"].values()), f"{LIMITS_MS[name]:.0f}"])
    text = f"On the machine that made this page, {board['about']['threads'] or 'all'} threads, medians."
    return "Speed", text, rows


def _kept(board: Board) -> Block:
    rows = [["", "masks", "kept exactly", "notes to keep", "changed", "strange", "written anew"]]
    for name, row in board["kept"].items():
        figures = [row[key] for key in ("masks", "exact", "notes", "changed", "strange", "rewritten")]
        rows.append([name, *map(str, figures)])
    return "What is kept", "Random parts and spans of beats to write again; every note outside is compared.", rows


def _helped(about: Board) -> str:
    """How often the network left the work to the arranger."""
    if "requests" not in about:
        return ""
    return (
        f" Of {about['requests']} requests {about['left_to_the_arranger']} were left to the arranger, which helped out"
        f" in {about['helped_by_the_arranger']} more."
    )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


# ------------------------------------------------------------------------------------------------------------- the page

HOW = """\
## How it is measured

Everything runs on the exported bundle, as users run it, and on notes: nothing is rendered. Test songs are those of the
MIDI pack's test split, as the training corpus makes them: people's parts, and the arranger's where a song lacks some.
Each composer writes to the chords of test songs, 16 bars of every genre from nothing, and 64 bars of every genre.

- **Likelihood.** A cell is a string of notes and an end. *unigram*: tables of slots, places, durations, velocities and
  timings by part, counted on the train split with half a count added; slots before the last note's, and places not
  above it within a slot, are left out and the rest is scaled to one. *previous bar*: with a weight the next note is the
  next one of the same beat a bar before, else the unigram's; where it is, each further field is that note's with a
  weight, one of its neighbours' with another, else the unigram's; weights fitted on the validation split by expectation
  maximisation. *arranger*: the same with the cells that the arranger writes there as what is gone by, the mean of three
  seeds' probabilities. The network is told chords, key, genre and the time, no density or the like.
- **Groove** is read off the moments at which notes sound. Swing is the median place of off-beat eighths; the spread of
  the timing is taken around each place's own median, from the quartiles. People: the human drummers of the pack and
  human band pieces (whose parts say nothing of timing or dynamics where they were entered on a grid or all equally
  loud). Genres and parts of fewer than four passages have no spread and are not asked about.
- **Repetition.** A bar is the set of what is struck where; bars are alike by the F1 of their sets. A literal passage is
  four bars equal to four bars heard before.
- **Genres.** Logistic regression on onsets by place of the bar, degrees of the chord, lengths, loudness, swing and
  timing.
- **Moods.** Directions after Gabrielsson and Lindstrom 2010, Juslin and Laukka 2004, and Livingstone et al. 2010: mode,
  register and tempo rise with valence, tempo, density and loudness with arousal. A direction is met where no level
  falls by more than 5 % of the whole rise and the rank correlation (of each piece beside the mean of those that
  differ from it in that level alone) lies three standard errors above none. The control
  is never told the mood.

A gate counts only where its measure tells its own control apart.
"""


def write(path: Path, board: Board, pictures: list[tuple[str, Path]], command: str) -> None:
    """Write the page of a scoreboard; `command` is what makes it again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(board, pictures, path.parent, command), encoding="utf-8")


def page(board: Board, pictures: list[tuple[str, Path]], folder: Path, command: str) -> str:
    """docs/composer.md for a scoreboard; `folder` is where the page will lie."""
    about = board["about"]
    bundle = f" of bundle {about['bundle']} {about['version']} (`{about['bundle_hash']}`)" if "bundle" in about else ""
    lines = [
        "# What the composer writes",
        "",
        "Is it worth playing? This page is written by `harmonicflow evaluate --composer --page`; it measures the"
        f" {about['measured']}{bundle} beside people's songs, the rule-based arranger and controls that must do worse."
        f"{_helped(about)}",
        *demands(command, board["gates"]),
    ]
    for title, text, rows in blocks(board):
        lines += ["", f"## {title}", "", text, "", *markdown(rows)]
    if pictures:
        lines += ["", "## Seen", "", "The first eight bars; the darker a note, the louder."]
    for title, path in pictures:
        lines += ["", f"{title.capitalize()}.", "", f"![{title}]({Path(relpath(path, folder)).as_posix()})"]
    return "\n".join([*lines, "", HOW])
