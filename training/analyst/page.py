"""The analyst's scoreboard for people: a table on the terminal, and docs/analyst.md."""

from pathlib import Path
from typing import Any, Final

from ..page import Gate, aligned, demands, gate_lines, markdown
from .hearers import LIBROSA, NETWORK, SIGNAL
from .measures import TIMED, TONAL
from .questions import MIX, SINGLE

TITLES: Final = {
    "beat F": "beats, F (70 ms)", "downbeat F": "downbeats, F (70 ms)", "tempo": "tempo within 4 %",
    "tempo, octave": "the same, octave errors allowed", "meter": "beats a bar", "key": "key, MIREX weighted",
    "majmin": "chords, majmin", "thirds": "chords, thirds", "sevenths": "chords, sevenths", "mirex": "chords, mirex",
    "tones F": "chord tones, F",
}  # fmt: skip
NAMES: Final = {NETWORK: "analyst", SIGNAL: "no network", LIBROSA: "librosa"}
BEATEN: Final = ("beat F", "downbeat F", "key", "majmin", "sevenths")
MOST_S: Final = 10.0  # for a recording of three minutes

HOW: Final = """\
## How it is measured

Of each song of the split its middle: the mix of its stems, and one stem alone, another kind from song to song, because
a clip is mostly one instrument. All three hear the same samples. **analyst**: spectra, the network, a path through time
and tempo for beats, through positions in the bar for downbeats, the likeliest chord of each beat. **no network**: what
the engine does with a bundle that has none: spectral flux through the same paths, chroma and templates. **librosa**:
`beat_track` (Ellis 2007), every fourth beat as a downbeat since it has none, `chroma_cqt` by beats against 24 triads,
and the profiles of Krumhansl & Kessler for the key.

Measures are those of mir_eval (Raffel et al. 2014): beats within 70 ms, nothing trimmed; chords as the share of time
named right in a vocabulary (majmin leaves out what is neither), bass-less ones named by their root; the key counts 1,
0.5 a fifth off, 0.3 for the relative and 0.2 for the parallel one. The pulse is what one taps: dotted quarters in 6/8
and 12/8, eighths in 7/8. "Chord tones" compares pitch classes over time, so that ninths count. Songs are rendered from
MIDI with two SoundFonts, the same that rendered the training songs: recordings of people are harder.
"""


def gates(board: dict[str, Any]) -> list[Gate]:
    """Better than librosa on mixes and on single stems, and quick."""
    out: list[Gate] = []
    for metric in BEATEN:
        for column in (MIX, *SINGLE):
            row = board["rows"].get(metric, {}).get(column)
            if row is None or NETWORK not in row or LIBROSA not in row:
                continue
            mine, other = row[NETWORK]["mean"], row[LIBROSA]["mean"]
            out.append({"gate": TITLES[metric], "column": column, "value": mine, "needs": f"> {other:.3f}, librosa's",
                        "pass": mine > other})  # fmt: skip
    whole = board["speed"]["whole_s"]
    out.append({"gate": f"seconds for {board['speed']['seconds']:.0f} s of sound", "column": "speed", "value": whole,
                "needs": f"<= {MOST_S:g}", "pass": whole <= MOST_S})  # fmt: skip
    return out


def score_rows(board: dict[str, Any], metrics: tuple[str, ...], columns: tuple[str, ...]) -> list[list[str]]:
    """Rows of text: a metric and a kind of recording each, a column each hearer."""
    rows = [["", "", "recordings", *(NAMES[name] for name in board["hearers"])]]
    for metric in metrics:
        for column in columns:
            found = board["rows"].get(metric, {}).get(column)
            if found:
                means = [f"{found[name]['mean']:.3f}" if name in found else "-" for name in board["hearers"]]
                rows.append([TITLES[metric], column, str(max(row["count"] for row in found.values())), *means])
    return rows


def table(board: dict[str, Any]) -> str:
    """Everything for a terminal."""
    lines = [_title(board), *aligned(score_rows(board, (*TIMED, *TONAL), (MIX, *SINGLE))), "", *_clips(board)]
    return "\n".join([*lines, "", _speed(board), "", *gate_lines(gates(board))])


def write(path: Path, board: dict[str, Any], command: str) -> None:
    """The page."""
    lines = [
        "# What the analyst hears", "",
        "Where are the beats and the bars, in which key is it, and which chords are played? This page is written by "
        f"`harmonicflow evaluate --analyst --page`; {_title(board)}.",
        *demands(command, gates(board)),
        "## Time", "", *markdown(score_rows(board, TIMED, (MIX, *SINGLE))), "",
        "## Harmony", "", *markdown(score_rows(board, TONAL, (MIX, *SINGLE))), "",
    ]  # fmt: skip
    if board["clips"]:
        lines += ["## Recordings", "", "What each says of recordings without labels.", "", *_clips(board), ""]
    path.write_text("\n".join([*lines, "## Speed", "", _speed(board), "", HOW]), encoding="utf-8")


def _title(board: dict[str, Any]) -> str:
    about, options = board["about"], board["options"]
    who = (f"bundle {about['bundle']} {about['version']} (`{about['bundle_hash'][:16]}`)" if "bundle" in about
           else f"a checkpoint after {about['step']} steps")  # fmt: skip
    return f"{who} on {board['songs']} songs of the {options['split']} split, up to {options['seconds']:g} s each"


def _clips(board: dict[str, Any]) -> list[str]:
    rows = [["", "", "BPM", "beats a bar", "key", "chords"]]
    for name, found in board["clips"].items():
        for hearer, heard in found.items():
            told = [f"{heard['bpm']:g}", str(heard["meter"]), heard["key"] or "-", ", ".join(heard["chords"][:8])]
            rows.append([name, NAMES[hearer], *told])
    return markdown(rows) if len(rows) > 1 else []


def _speed(board: dict[str, Any]) -> str:
    speed = board["speed"]
    return (f"{speed['seconds']:.0f} s of sound take {speed['whole_s']:.1f} s: features {speed['features_s']:.1f} s, "
            f"network {speed['network_s']:.1f} s, the rest beats, key and chords.")  # fmt: skip
