"""`compose` from options to MIDI files: the engine writes scores here, without the daemon and without sound."""

import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import write_atomic
from harmonicflow.core.tempo import Selection

from .making import prepared
from .output import result, result_json, say, table
from .request import Span
from .scores import is_midi

if TYPE_CHECKING:
    from harmonicflow.engine.api import HarmonicFlow
    from harmonicflow.engine.result import Composed
    from harmonicflow.score.score import Score

DEFAULT_FILE: Final = "score.mid"
DEFAULT_BARS: Final = 8
LONGEST_CHART: Final = 64  # bars that people are shown


def compose(
    clip: str | None, span: Span, rate: int | None, out: str | None, picture: str | None, bundle: str | None,
    as_json: bool, choices: dict[str, Any],
) -> None:  # fmt: skip
    """Write scores and tell of them on stdout."""
    began = time.monotonic()
    for _, path in choices.get("like", ()):
        if not is_midi(path):
            reason = "nothing is played here: give a MIDI file"
            raise HarmonicFlowError("bad_option", option="--like", value=path, reason=reason)
    flow = _engine(bundle)
    words = flow.words.meant(choices["prompt"], choices["genre"], choices["mood"], choices["emotion"])

    def usual_bpm() -> Fraction:
        from harmonicflow.score.emotion import preferred_bpm

        bpm = max(round(preferred_bpm(words.genre, words.emotion)), 20)
        say(f"note: {bpm} beats a minute, as {words.genre} of this mood has them; choose with --tempo")
        return Fraction(bpm)

    files = _targets(out, choices.get("count", 1))
    request, buffers, _ = prepared(clip, span, rate, choices, usual_bpm)
    scores = flow.compose(request, buffers[0] if request.clip else None)
    for composed, file in zip(scores, files, strict=True):
        _write(composed, file, picture, len(files) > 1)
        for warning in composed.warnings:
            say(f"note: {warning}")
        if as_json:
            result_json(row(composed, file) | {"seconds": round(time.monotonic() - began, 3)})
        else:
            _show(composed, file)


def _engine(bundle: str | None) -> "HarmonicFlow":
    """The engine on a bundle. Raises `missing_package`, `no_bundle`, `bad_bundle`."""
    try:
        from harmonicflow.engine.api import HarmonicFlow
        from harmonicflow.engine.bundle import chosen_path
    except ModuleNotFoundError as error:
        install = 'python -m pip install "harmonicflow[cpu]"'
        raise HarmonicFlowError("missing_package", package=error.name, install=install) from error
    return HarmonicFlow(chosen_path(bundle))


def _targets(out: str | None, count: int) -> list[Path]:
    """Where the scores go: what is named is written over, what is not stays beside the others."""
    file = Path(out or DEFAULT_FILE).expanduser()
    if file.is_dir():
        file = file / DEFAULT_FILE
    if out is None:
        taken = (file, *(file.with_stem(f"{file.stem}-{number}") for number in range(2, 10_000)))
        file = next(each for each in taken if not each.exists() and not each.with_stem(f"{each.stem}-1").exists())
    return [file] if count == 1 else [file.with_stem(f"{file.stem}-{number}") for number in range(1, count + 1)]


def _write(composed: "Composed", file: Path, picture: str | None, several: bool) -> None:
    """The MIDI file and, if asked for, its picture. Raises `disk`."""
    from harmonicflow.score.keys import parse_key
    from harmonicflow.score.midi import write_midi

    name = _key(composed)
    key = parse_key(name) if name else None
    try:
        write_atomic(file, write_midi(composed.score, composed.selection, key=key), mode=0o666)
        if picture is not None:
            from harmonicflow.score.picture import picture as drawn

            target = Path(picture).expanduser()
            target = target.with_stem(f"{target.stem}-{file.stem.rpartition('-')[2]}") if several else target
            write_atomic(target, drawn(composed.score, composed.selection), mode=0o666)
    except OSError as error:
        raise HarmonicFlowError("disk", path=file, reason=error.strerror or error) from None


# ----------------------------------------------------------------------------------------------------------- the words


def row(composed: "Composed", file: Path) -> dict[str, Any]:
    """A score as one JSON object; beats count from the selection's start, bars from 1."""
    score, selection = composed.score, composed.selection
    return {
        "file": str(file.absolute()),
        "seed": composed.seed,
        "genre": composed.plan.genre,
        "key": _key(composed),
        "emotion": composed.plan.emotion,
        "understood": composed.plan.understood,
        "composer": composed.composer,
        "bars": len(selection.bars()),
        "beats": float(selection.beats),
        "tempo": [[float(beat), float(bpm)] for beat, bpm in _tempos(selection)],
        "meters": [[bar, meter] for bar, meter in _meters(selection)],
        "parts": {name: len(score.part(name)) for name in score.parts},
        "sections": [[float(part.start), float(part.duration), part.name] for part in score.sections],
        "chords": [[float(span.start), float(span.duration), span.chord.name] for span in score.chords],
        "warnings": list(composed.warnings),
    }


def _key(composed: "Composed") -> str | None:
    from harmonicflow.score.keys import key_of_chords

    found = composed.plan.key or key_of_chords(composed.score.chords)
    return str(found) if found else None


def _tempos(selection: Selection) -> list[tuple[Fraction, Fraction]]:
    origin = selection.beat_at_frame(0) - selection.tempo.beat_at(selection.start_frame)
    beats = [Fraction(0), *(beat + origin for beat, _ in selection.tempo.anchors)]
    found: list[tuple[Fraction, Fraction]] = []
    for beat in sorted({beat for beat in beats if 0 <= beat < selection.beats}):
        if not found or found[-1][1] != selection.bpm_at_beat(beat):
            found.append((beat, selection.bpm_at_beat(beat)))
    return found


def _meters(selection: Selection) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for bar in selection.bars():
        if not found or found[-1][1] != str(bar.meter):
            found.append((bar.number, str(bar.meter)))
    return found


def _show(composed: "Composed", file: Path) -> None:
    """What was composed in words: a line about the whole, a row a section with its chords, the file."""
    selection = composed.selection
    bpm = " to ".join(dict.fromkeys(f"{float(bpm):.6g}" for _, bpm in _tempos(selection)[:2]))
    meters = ", ".join(dict.fromkeys(meter for _, meter in _meters(selection)))
    by = composed.composer.partition(":")[0]
    say(f"{composed.plan.genre}, {_key(composed) or 'no key'}, {bpm} beats a minute, {meters}, by the {by}")
    if composed.plan.understood:
        say(f"understood: {composed.plan.understood}")
    say(f"seed: {composed.seed}")
    result(table(("bars", "section", "chords"), chart(composed.score, selection)))
    counts = ", ".join(f"{name} {len(composed.score.part(name))}" for name in composed.score.parts)
    say(f"notes: {counts or 'none'}")
    result(str(file))


def chart(score: "Score", selection: Selection) -> list[tuple[str, str, str]]:
    """Rows of bars, section and chords: a row a section, cut every eight bars."""
    bars = selection.bars()
    rows = []
    edges = [part.start for part in score.sections] or [Fraction(0)]
    first = 0
    while first < len(bars) and first < LONGEST_CHART:
        last = first + 1
        while last < len(bars) and last - first < 8 and bars[last].start_beat not in edges:
            last += 1
        here = next((part.name for part in score.sections if part.start <= bars[first].start_beat < part.end), "")
        cells = [_bar_chords(score, float(bar.start_beat), float(bar.end_beat)) for bar in bars[first:last]]
        rows.append((f"{first + 1}-{last}", here, "| " + " | ".join(cells) + " |"))
        first = last
    if first < len(bars):
        rows.append((f"{first + 1}-{len(bars)}", "...", ""))
    return rows


def _bar_chords(score: "Score", start: float, end: float) -> str:
    """The chords that begin in a bar; "%" where one goes on, "-" where none sounds."""
    begin = [span.chord.name for span in score.chords if start <= float(span.start) < end]
    if begin:
        return " ".join(begin)
    return "%" if any(float(span.start) < start < float(span.end) for span in score.chords) else "-"
