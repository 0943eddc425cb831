"""The performer's scoreboard for people: a table on the terminal, and docs/performer.md.

The page holds no figure that was not measured: everything in it comes from the scoreboard, so that it can be written
again after every promotion.
"""

from __future__ import annotations

from os.path import relpath
from pathlib import Path
from typing import Any

from . import scoreboard
from .page import aligned, demands, gate_lines, markdown
from .performer_gates import MANY_STEPS
from .scoreboard import ALL, DROPPED, LADDER, SHARES, THREE_DIGITS, TITLES

MOST_FIGURES = 12  # that a judge says of one thing; a table larger than this is in the JSON only
STEP_METRICS = (*SHARES, "offset_ms", "offset_iqr_ms")


def table(board: dict[str, Any]) -> str:
    """The scoreboard, the table of steps and the gates."""
    lines = [scoreboard.table(board), "", _steps_title(board), *aligned(step_rows(board))]
    return "\n".join([*lines, "", *gate_lines(board["gates"])])


def step_rows(board: dict[str, Any]) -> list[list[str]]:
    """Rows of text: a metric each, over all stems, a column a number of steps; shares of 32 steps in per cent."""
    found, kept = board["steps"]["rows"], board["steps"]["kept"]
    rows = [["", *found]]
    for metric in STEP_METRICS:
        cells = []
        for steps, scores in found.items():
            value, share = scores.get(metric, {}).get(ALL), kept.get(steps, {}).get(metric)
            number = "-" if value is None else f"{value:.3f}" if metric in THREE_DIGITS else f"{value:.1f}"
            cells.append(number if share is None or steps == str(MANY_STEPS) else f"{number} {100 * share:3.0f} %")
        if any(cell != "-" for cell in cells):
            rows.append([TITLES[metric], *cells])
    return rows


def _steps_title(board: dict[str, Any]) -> str:
    return f"steps of the sampler, the first {board['steps']['songs']} songs; per cent of {MANY_STEPS} steps"


# ------------------------------------------------------------------------------------------------------------- the page

HOW = """\
## How it is measured

Everything runs on the exported graphs, as users run them. Of each song the busiest window from a bar line on; songs
with the default sounds only, unless the command says otherwise, because a performer that is told notes and no timbre
cannot know which piano was drawn. The stems are performed in the engine's blocks from the song's notes, beats, bars,
chords, key, genre and mood. **What is not told** is dropped as in training: its columns are zero and so is the flag
that says they are known. "codec" is the ceiling of whatever is performed, "noise" what the sampler starts from.
Percentages are shares of the true audio's score on the same songs.

- **onset F1**: the detector of `harmonicflow.analysis.onsets` against the score's onsets. They are asked for where the
  instrument speaks: plus the median delay of the true audio's onsets, one number a stem. Offsets are of matched onsets.
- **pitch F1**: harmonic sums over whitened spectra just after each onset asked for (after Klapuri 2006): each pitch
  asked for is a hit or a miss, a pitch of no sounding note a false alarm.
- **drums**: every onset heard in the drum stem is told which kinds of drum are struck by a linear probe of log-mel
  levels before, at and after it. It is fitted to true audio of the train split; kinds that are rare there are not asked
  about. A kind is hit where it is heard within 50 ms of where it is asked for. "all" counts strokes, not kinds.
- **chords**: seconds in which the asked chord's triad fits the chroma of the pitched stems' sum best of all 24 major
  and minor ones; chords without a third are not asked about.
- **beat-phase concentration**: the length of the mean of exp(2 pi i n b) over the beats b of the onsets heard, n = 1
  for the beat to 4 for the quarter-beat, without the bias of few onsets. Whoever plays eighths gathers at the half-beat
  and not at the beat, so the largest of the four counts, song by song. A shift of everything changes nothing in it:
  its controls are other songs and noise.
- **regenerated**: each stem made from its score while the true latents of the other three are known.
- **steps**: the same songs, seeds and scores at other numbers of steps.
- **long take**: the exact number of frames is that of the bars in rational arithmetic, rounded; blocks as they are
  streamed are put end to end and compared with the take byte by byte. The real-time factor is of 12 s of four stems
  with decode, mix and binaural on the machine that made this page, the best of three.

A metric counts only where it ranks the true audio at least 0.1 above its own controls (half a sixteenth late, another
song's, noise); elsewhere it is marked and its gates fail.
"""

SEEN = (
    "The loudest seconds, truth to the left, performed to the right; 40 Hz to 18 kHz, 60 dB. Lines are the notes asked"
    " for, at their fundamental; marks are the drums, a row a class."
)


def write(path: Path, board: dict[str, Any], pictures: dict[str, Path], command: str) -> None:
    """Write the page of a scoreboard; `command` is what makes it again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(board, pictures, path.parent, command), encoding="utf-8")


def page(board: dict[str, Any], pictures: dict[str, Path], folder: Path, command: str) -> str:
    """docs/performer.md for a scoreboard; `folder` is where the page will lie."""
    about, names = board["about"], LADDER | DROPPED
    lines = [
        "# What the performer plays",
        "",
        "Is what is asked for heard: on time, at its pitch, in its chord? And what is it worth to be told? This page is"
        f" written by `harmonicflow evaluate --performer --page`; it measures bundle {about['bundle']}"
        f" {about['version']} (`{about['bundle_hash']}`) on {about['songs']} songs of the {about['split']} split,"
        f" {about['seconds']:g} s each, {about['steps']} steps.",
        *demands(command, board["gates"]),
        "## The ladder, and what each condition is worth",
        "",
        *(f"- {row}: {text}" for row, text in names.items() if row in board["rows"]),
    ]
    for metric, rows in scoreboard.blocks(board):
        better = ", more is better" if metric in SHARES else ""
        lines += ["", f"**{scoreboard.title(board, metric)}{better}**", "", *markdown(rows)]
    lines += ["", "## Steps", "", f"{_steps_title(board).capitalize()}.", "", *markdown(step_rows(board))]
    lines += _judged(board)
    if pictures:
        lines += ["", "## Seen", "", SEEN]
    for name, path in pictures.items():
        lines += ["", f"{name}.", "", f"![{name}]({Path(relpath(path, folder)).as_posix()})"]
    return "\n".join([*lines, "", HOW])


def _judged(board: dict[str, Any]) -> list[str]:
    """What trained judges found, where they were asked: each with its figures, its ladder and its notes."""
    lines: list[str] = []
    for name, verdict in board.get("judges", {}).items():
        ranks = "" if verdict["valid"] else " It cannot rank its ladder: its figures are not to be relied on."
        word = "pass" if verdict["pass"] else "**fails**"
        lines += ["", f"### {name.capitalize()}: {word}", "", f"{verdict['gate']}.{ranks}", ""]
        rows = [["", "measured"], *_flat("", verdict["figures"]), *_flat("ladder", verdict["ladder"])]
        lines += [*markdown(rows), *(["", *verdict["notes"]] if verdict["notes"] else [])]
    return ["", "## Judges", *lines] if lines else []


def _flat(name: str, value: Any) -> list[list[str]]:
    """Figures as rows (name, value): one for a value or a dict of values, one for each part of what is deeper."""
    if not isinstance(value, dict):
        return [[name, _plain(value)]]
    if len(value) > MOST_FIGURES or not any(isinstance(inner, dict) for inner in value.values()) and name:
        words = ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items() if not isinstance(inner, dict))
        return [[name, words]] if words else []
    return [
        row for key, inner in value.items() for row in _flat(f"{name}, {key}".lstrip(", ").replace("_", " "), inner)
    ]


def _plain(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
