"""The codec's ladder for people: a table on the terminal, and docs/codec.md.

The page holds no figure that was not measured: everything in it comes from the scoreboard, so that it can be written
again after every promotion.
"""

from __future__ import annotations

from collections.abc import Iterable
from os.path import relpath
from pathlib import Path
from typing import Any

from .ladder_scores import GRIFFIN_LIM, METRICS, MIX, RUNGS, SUM, TRUTH
from .page import aligned, demands, gate_lines, markdown

ABOUT_COLUMNS = {SUM: "sum of four", MIX: "mix as one"}


def table(board: dict[str, Any]) -> str:
    """A block a metric, a line a rung; then the gates."""
    lines = [", ".join(f"{key} {value}" for key, value in board["about"].items() if value != [])]
    for metric, rows in blocks(board):
        lines += ["", title(board, metric), *aligned(rows)]
    return "\n".join([*lines, "", *gate_lines(board["gates"])])


def title(board: dict[str, Any], metric: str) -> str:
    """A metric's title, and where it cannot be relied on."""
    spec = METRICS[metric]
    better = {1: ", more is better", -1: ", less is better", 0: ""}[spec.better]
    wrong = [ABOUT_COLUMNS.get(column, column) for column, good in board["ranks"].get(metric, {}).items() if not good]
    return spec.title + better + (f" (does not rank: {', '.join(wrong)})" if wrong else "")


def blocks(board: dict[str, Any]) -> Iterable[tuple[str, list[list[str]]]]:
    """Each metric that was measured with its rows of text: a head, then a rung each."""
    for metric, spec in METRICS.items():
        scores = board["scores"].get(metric, {})
        columns = [column for column in board["columns"] if column in scores]
        rows = [["", *(ABOUT_COLUMNS.get(column, column) for column in columns)]]
        for rung in RUNGS:
            values = [scores[column].get(rung) for column in columns]
            if any(value is not None for value in values):
                rows.append([_name(rung), *("-" if v is None else f"{v:.{spec.digits}f}" for v in values)])
        if columns:
            yield metric, rows


def _name(rung: str) -> str:
    return {GRIFFIN_LIM: "mel + Griffin-Lim", "mp3": "MP3 64 kbit/s", "noise": "white noise"}.get(rung, rung)


# ------------------------------------------------------------------------------------------------------------- the page

HOW = """\
## How it is measured

Everything runs on the exported graphs, as users run them. Of each song the busiest window from a bar line on; all
songs count, those with varied sounds too. **Truth** is the rendered stem itself. **MP3** is LAME at a constant 64
kbit/s, mono, written by libsndfile; the encoder's delay is trimmed by its own header and what might be left is found
by cross-correlation and taken out. **Mel + Griffin-Lim** is what systems without a vocoder do: 128 mel bands (window
2,048, hop 512), powers by non-negative least squares, 32 iterations of Griffin and Lim's algorithm with momentum; it
hears fewer songs, because it is slow, and is compared on those. **White noise** has the level of each sound. "Sum of
four" adds up the four decoded stems and holds them against the sum of the true ones. "Mix as one", "other" (strings,
brass, voice-like leads) and the recordings are what travels in the context row.

- **log-mel L1**: mean absolute difference of log-mel levels, 46 ms windows, 64 bands to 16 kHz, silence at -80 dB.
- **complex STFT distance**: mean over windows of 256, 1,024 and 4,096 samples of ||X - Y|| / ||Y||, Frobenius, where
  magnitudes are raised to 0.3 and phases kept. Silence scores 1, the right spectrum with wrong phases about 1.4.
  Uncompressed it would be SI-SDR in other units, whatever the window (Parseval).
- **SI-SDR**: Le Roux et al. 2019. Unrelated sounds score -30 to -60 dB by chance, so all below -20 dB counts as -20.
- **onset F1**: the detector of `harmonicflow.analysis.onsets`, for drums against the score's onsets (plus the median
  delay of the true audio's); for sum, mix, other and recordings against those heard in the true audio, hence truth 1.
- **chroma similarity**: mean cosine of the twelve pitch classes per 46 ms, where the truth sounds.
- **level before onsets**: of the 20 ms that end 1 ms before the sound first reaches a tenth of the onset's peak,
  relative to that peak; only onsets with silence or decay before them in the true audio, at least 20 dB down.
- **clicks**: peaks of the second difference 12 dB above the truth's within 10 ms and above their own surroundings.
- **hum and buzz**: the error averaged over all periods of 2,048 or 512 samples in 3 s, which only tones at multiples of
  the frame rate survive; "over neighbouring periods" is the same against periods a few per cent off, 0 without a hum.

Means over songs (onsets are counted over all of them). A metric counts only where it ranks what is known: nothing above
the truth, MP3 clearly above noise, nothing below noise; elsewhere it is marked "does not rank".
"""

CAPTIONS = {
    "onsets": "Drum onsets, 30 ms before and after. The level before is that of the shaded 20 ms.",
    "mix": "The mix coded as one sound.",
}


def write(path: Path, board: dict[str, Any], pictures: dict[str, Path], command: str) -> None:
    """Write the page of a scoreboard; `command` is what makes it again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(board, pictures, path.parent, command), encoding="utf-8")


def page(board: dict[str, Any], pictures: dict[str, Path], folder: Path, command: str) -> str:
    """docs/codec.md for a scoreboard; `folder` is where the page will lie."""
    about = board["about"]
    lines = [
        "# What the codec keeps",
        "",
        "Everything the model says passes through the codec: its copy of the true audio is the ceiling of what can be"
        " heard. This page is written by `harmonicflow evaluate --codec --page`; it measures bundle"
        f" {about['bundle']} {about['version']} (`{about['bundle_hash']}`) on {about['songs']} songs of the"
        f" {about['split']} split, {about['seconds']:g} s each (mel + Griffin-Lim: {about['griffin_lim_songs']}).",
        *demands(command, board["gates"]),
        "## The ladder",
        "",
        *(f"- {_name(rung)}: {text}" for rung, text in RUNGS.items() if _measured(board, rung)),
    ]
    for metric, rows in blocks(board):
        lines += ["", f"**{title(board, metric)}**", "", *markdown(rows)]
    if pictures:
        lines += ["", "## Seen", "", "The loudest three seconds of the first song that has the instrument; 40 Hz to 18"
                  " kHz, 80 dB. Truth, codec, mel + Griffin-Lim."]  # fmt: skip
    for column, path in pictures.items():
        lines += ["", CAPTIONS.get(column, f"{column.capitalize()}."), "",
                  f"![{column}]({Path(relpath(path, folder)).as_posix()})"]  # fmt: skip
    return "\n".join([*lines, "", HOW])


def _measured(board: dict[str, Any], rung: str) -> bool:
    return rung == TRUTH or any(rung in found for column in board["scores"].values() for found in column.values())
