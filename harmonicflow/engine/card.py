"""The model card: what a bundle is, what it learned from, what it measured, and what it cannot do."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .sources import OWN, SOURCES, Source

RENDERED_WITH: Final = "FluidR3 GM by Frank Wen (MIT)"

RENDERED: Final = (
    "It has heard synthetic instruments only, of one General MIDI sound font. Real instruments sound different.",
)
LIMITS: Final = (
    "It plays {stems}, one channel each, dry. There is no singing, and there are no other instruments.",
    "Expect rough sound. Judge it by the notes it plays and the time it keeps.",
    "Prompt, mood and timbre have their inputs, but no promise is made that they are heard.",
    "Notes come from the arranger or from you: this network gives them sound, it does not compose.",
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
    parts = (_head(card), _training(card), _data(card), _scores(card), _limits(card))
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
    data = card["training"].get("data", {})
    yield "## What it learned from"
    yield ""
    if not data:
        yield "Not recorded."
        return
    if _is_rendered(data):
        yield f"Notes, chords and drum performances from the corpora below, rendered with {RENDERED_WITH}. Changed:"
        yield "some songs were transposed, and parts that a song lacked were written by the arranger."
        yield ""
    for key, row in data.items():
        source = SOURCES.get(key, Source("stems of whoever trained it" if key == OWN else key, "", "not recorded"))
        credit = f", {source.credit}" if source.credit else ""
        pieces = f". Pieces: {', '.join(row['pieces'])}" if row.get("pieces") else ""
        yield f"- {source.title}{credit} ({source.license}), {row['hours']:.2f} h{pieces}"


def _is_rendered(data: Mapping[str, Any]) -> bool:
    return bool(data) and set(data) <= set(SOURCES)


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
    if parity := card.get("parity"):
        yield ""
        told = ", ".join(f"{name} {value:.0e}" for name, value in parity.items())
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


def _limits(card: Mapping[str, Any]) -> Iterator[str]:
    yield "## What it cannot do"
    yield ""
    heard = RENDERED if _is_rendered(card["training"].get("data", {})) else ()
    yield from (f"- {limit.format(stems=', '.join(card['stems']))}" for limit in (*heard, *LIMITS))
