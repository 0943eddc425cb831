"""The model card: what a bundle is, what it learned from, what it measured, and what it cannot do."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple


class Source(NamedTuple):
    """A corpus of notes: who is to be named, and under which licence."""

    title: str
    credit: str
    license: str


SOURCES: Final[dict[str, Source]] = {
    "freedoom": Source("Freedoom", "the Freedoom project", "BSD-3-Clause"),
    "tannerhelland": Source("Tanner Helland's music", "Tanner Helland", "CC-BY-4.0"),
    "blasphemer": Source("Blasphemer", "the Blasphemer project", "BSD-3-Clause"),
    "easyrpg": Source("EasyRPG RTP", "the EasyRPG project", "CC-BY-4.0 and CC0-1.0"),
    "groove": Source("Groove MIDI Dataset", "Google Magenta (Gillick et al. 2019)", "CC-BY-4.0"),
    "pop909": Source("POP909", "Wang et al. 2020", "MIT"),
    "mutopia": Source("Mutopia Project", "its composers and typesetters", "CC-BY and public domain"),
    "billboard": Source("McGill Billboard annotations", "Burgoyne, Wild and Fujinaga 2011", "CC0-1.0"),
    "openewld": Source("OpenEWLD", "Simonetta et al. 2018", "public domain songs"),
    "free_midi_chords": Source("Free MIDI Chords", "Leon Dudgeon (ldrolez)", "MIT"),
}
RENDERED_WITH: Final = "FluidR3 GM by Frank Wen (MIT)"

LIMITS: Final = (
    "It has heard synthetic instruments only: one General MIDI sound font. Real recordings differ.",
    "It plays bass, drums, guitar and piano, mono and dry. There is no singing and there are no other instruments.",
    "It was trained for minutes, not days: expect rough sound. Judge it by the notes and the time it keeps.",
    "Prompt, emotion and timbre reference have inputs, but this version learned little or nothing from them.",
    "Notes come from the arranger's rules or from you; this network gives them sound and does not compose.",
)
SCORE_ROWS: Final = {
    "onset_f1_50": "onset F1 within 50 ms",
    "onset_f1_20": "onset F1 within 20 ms",
    "pitch_f1": "pitch F1",
    "chord": "chord score",
}
SCORE_COLUMNS: Final = ("truth", "codec", "performed", "shifted", "shuffled")


def card_text(card: Mapping[str, Any]) -> str:
    """The card in Markdown, from what model.json holds."""
    parts = (_head(card), _training(card), _data(card), _scores(card), _limits())
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _head(card: Mapping[str, Any]) -> Iterator[str]:
    size = sum(row["bytes"] for row in card["files"].values()) / 1e6
    yield f"# {card['name']} {card['version']}"
    yield ""
    yield f"Stems ({', '.join(card['stems'])}) at {card['sample_rate']} Hz from a score, a harmony and what is known."
    yield f"Codec: {card['sample_rate'] / card['hop']:.2f} frames a second of {card['channels']} channels."
    yield f"Performer: {card['performer']['parameters'] / 1e6:.1f} M parameters, {card['performer']['steps']} steps."
    yield f"{size:.1f} MB, weights as half floats. Latent space {card['latent_space']}. Licence {card['license']}."


def _training(card: Mapping[str, Any]) -> Iterator[str]:
    training = card["training"]
    yield "## Training"
    yield ""
    yield f"Hardware: {training.get('hardware', 'not recorded')}."
    for name in ("codec", "performer"):
        row = training.get(name, {})
        minutes, steps = row.get("minutes"), row.get("step")
        told = "not recorded" if minutes is None else f"{minutes:.0f} minutes, {steps} updates"
        yield f"{name.capitalize()}: {told}."
    if training.get("notes"):
        yield str(training["notes"])


def _data(card: Mapping[str, Any]) -> Iterator[str]:
    data = card["training"].get("data") or dict.fromkeys(SOURCES)
    yield "## What it learned from"
    yield ""
    yield f"Notes from the corpora below, some of them arranged by rules, rendered with {RENDERED_WITH}. Changed: parts"
    yield "were assigned to four instruments, transposed and re-timed. No commercial recording was used."
    yield ""
    for key, hours in data.items():
        source = SOURCES.get(key, Source(key, "", "not recorded"))
        amount = f", {hours:.1f} h" if isinstance(hours, int | float) else ""
        yield f"- {source.title}{f', {source.credit}' if source.credit else ''} ({source.license}){amount}"


def _scores(card: Mapping[str, Any]) -> Iterator[str]:
    yield "## Measured"
    yield ""
    scores = card["scores"]
    rows = list(_score_rows(scores.get("rows", {})))
    if rows:
        yield "| | " + " | ".join(SCORE_COLUMNS) + " |"
        yield "|---" * (len(SCORE_COLUMNS) + 1) + "|"
        yield from rows
    else:
        yield "Not measured yet." if not scores else "The figures are in model.json under `scores`."
    yield ""
    told = ", ".join(f"{name} {value:.0e}" for name, value in card["parity"].items())
    yield f"Largest difference of the exported graphs from their weights in torch: {told}."


def _score_rows(ladder: Mapping[str, Any]) -> Iterator[str]:
    """A line a metric, of a whole scoreboard (ladder row -> metric -> stem -> value) or of its summary."""
    for key, title in SCORE_ROWS.items():
        cells = []
        for column in SCORE_COLUMNS:
            value = ladder.get(column, {}).get(key) if isinstance(ladder.get(column), Mapping) else None
            value = value.get("all") if isinstance(value, Mapping) else value
            cells.append(f"{value:.2f}" if isinstance(value, int | float) else "-")
        if set(cells) != {"-"}:
            yield f"| {title} | {' | '.join(cells)} |"


def _limits() -> Iterator[str]:
    yield "## What it cannot do"
    yield ""
    yield from (f"- {limit}" for limit in LIMITS)
