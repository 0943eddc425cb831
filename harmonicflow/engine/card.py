"""The model card: what a bundle is, what it learned from, what it measured, and what it cannot do."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Final

from harmonicflow.core.instruments import INSTRUMENTS

from .bundle import OPTIONAL_GRAPHS, TEXT
from .sources import OWN, SOUND_FONTS, SOURCES, Source

HALVES: Final = ("codec", "performer")
STAGES: Final = {  # after the first training of a half, in this order
    "decoder": "of the decoder alone", "adversarial": "of the decoder alone against discriminators",
    "few-step": "of learning to need few steps",
}  # fmt: skip
FIRST_FONT: Final[dict[str, Any]] = {"FluidR3_GM": {}}  # what cards from before there were two rendered with
RENDERED: Final = "It has heard synthetic instruments only, of {fonts}. Real instruments sound different."
LIMITS: Final = (
    "It plays {stems}, one channel each, dry. There is no singing, and there are no other instruments.",
    "Expect rough sound. Judge it by the notes it plays and the time it keeps.",
    "Your clip, and stems of your own that it plays along with, are heard through the codec: its scores say how well.",
    "{unheard}",
    "{notes}",
)
NOTES: Final = {  # where notes come from: without a composer, with one
    False: "Notes come from the arranger or from you: this bundle gives them sound, it does not compose.",
    True: "Notes come from the composer, which learned mostly from the arranger: bass, guitar and piano of most songs "
    "are written by rule. Where it has nothing to say, the arranger plays, and the take says so.",
}
CONDITIONS: Final = {  # what a performer may be trained to follow, beside score, harmony and what is known
    "text": "the prompt", "genre": "the genre", "emotion": "the mood", "timbre": "a sound to be like",
}  # fmt: skip
UNHEARD: Final = "Prompt, mood and timbre have their inputs, but no promise is made that they are heard."
_ENCODED: Final = "--data-dir runs/encoded --text BUNDLE/text.safetensors"
_FEW: Final = f"--few-steps --guidance 2 {_ENCODED} --checkpoint-dir runs/few"
FURTHER: Final = {
    "A codec that is trained further makes other latents; the performer is trained on those, and both go together:": (
        "harmonicflow train codec --init BUNDLE --data-dir CORPUS --checkpoint-dir runs/codec",
        "harmonicflow train encode --data-dir CORPUS --codec runs/codec/codec.safetensors --out runs/encoded",
        f"harmonicflow train performer --init BUNDLE {_ENCODED} --checkpoint-dir runs/play",
        f"harmonicflow train performer --init runs/play/best.safetensors {_FEW}",
        "harmonicflow export --codec runs/codec/codec.safetensors --performer runs/few/best.safetensors --base BUNDLE "
        "--out mine",
    ),
    "The performer alone, on the codec that stands:": (
        "harmonicflow train encode --data-dir CORPUS --codec BUNDLE --out runs/encoded",
        # Not --few-steps at once: the bundle's performer is guided already, and would guide itself twice.
        f"harmonicflow train performer --init BUNDLE {_ENCODED} --checkpoint-dir runs/play",
        f"harmonicflow train performer --init runs/play/best.safetensors {_FEW}",
        "harmonicflow export --codec BUNDLE --performer runs/few/best.safetensors --out mine",
    ),
    "The decoder alone, for which the performer stays as it is:": (
        "harmonicflow train decoder --init BUNDLE --data-dir CORPUS --checkpoint-dir runs/decoder",
        "harmonicflow export --codec runs/decoder/codec.safetensors --base BUNDLE --performer BUNDLE --out mine",
    ),
}
SIZES: Final = {  # entries of a half's configuration, and the options that say them
    "codec": {"frame_dim": "--hidden-dim"},
    "performer": {"dim": "--hidden-dim", "layers": "--layers"},
}
SCORE_ROWS: Final = {
    "onset_f1_50": "onset F1 within 50 ms",
    "onset_f1_20": "onset F1 within 20 ms",
    "pitch_f1": "pitch F1",
    "chord": "chord score",
}
CODEC_ROWS: Final = {  # of the codec's ladder: title, digits
    "log_mel_l1_db": ("log-mel distance, dB", 2),
    "complex_stft": ("complex STFT distance", 3),
    "si_sdr_db": ("SI-SDR, dB", 1),
    "onset_f1_50": ("drum onset F1 within 50 ms", 2),
    "chroma": ("chroma similarity", 3),
    "before_held": ("no pre-echo, share of drum onsets", 2),
}
CODEC_RUNGS: Final = {
    "truth": "truth", "codec": "codec", "previous": "codec before", "mp3": "MP3, 64 kbit/s",
    "griffin_lim": "mel + Griffin-Lim", "noise": "noise",
}  # fmt: skip
CODEC_SOUNDS: Final = {"sum": "sum of the stems", "other": "other instruments"}
SCORE_COLUMNS: Final = ("truth", "codec", "performed", "shifted", "shuffled")


def card_text(card: Mapping[str, Any]) -> str:
    """The card in Markdown, from what model.json holds."""
    parts = (section(card) for section in (_head, _training, _data, _scores, _codec_scores, _limits, _further))
    return "\n\n".join(text for lines in parts if (text := "\n".join(lines))) + "\n"


def _head(card: Mapping[str, Any]) -> Iterator[str]:
    size = sum(row["bytes"] for row in card["files"].values()) / 1e6
    yield f"# {card['name']} {card['version']}"
    yield ""
    yield f"Stems ({', '.join(card['stems'])}) at {card['sample_rate']} Hz from a score, a harmony and what is known."
    yield f"Codec: {card['sample_rate'] / card['hop']:.2f} frames a second of {card['channels']} channels."
    yield f"Performer: {card['performer']['parameters'] / 1e6:.1f} M parameters, {card['performer']['steps']} steps."
    if row := card.get("composer"):
        yield f"Composer: {row['parameters'] / 1e6:.1f} M parameters; meters {', '.join(row['meters'])}."
    if row := card.get("analyst"):
        yield f"Analyst: {row['parameters'] / 1e6:.1f} M parameters."
    yield from _words(card)
    yield f"{size:.1f} MB, weights as half floats. Latent space {card['latent_space']}. Licence {card['license']}."


def _words(card: Mapping[str, Any]) -> Iterator[str]:
    if row := card["files"].get(TEXT):
        changes = f"; {row['changes']}" if row.get("changes") else ""
        yield f"Words: a table made from {row['source']} ({row['license']}){changes}."


def _training(card: Mapping[str, Any]) -> Iterator[str]:
    training = card["training"]
    yield "## Training"
    yield ""
    if not any("hardware" in training.get(half, {}) for half in HALVES):
        yield f"Hardware: {training.get('hardware', 'not recorded')}."
    for half in (*HALVES, *(name for name in OPTIONAL_GRAPHS if name in training)):
        yield f"{half.capitalize()}: {_effort(training.get(half, {}))}."
    rows = (training, *(training.get(half, {}) for half in HALVES))
    if followed := _followed(training):
        yield f"The performer was trained to follow, beside score and harmony: {', '.join(followed)}."
    yield from (str(row["notes"]) for row in rows if "notes" in row)


def _followed(training: Mapping[str, Any]) -> list[str]:
    """What the performer was trained to follow, in words."""
    said = training.get("performer", {}).get("conditions", ())
    return [told for name, told in CONDITIONS.items() if name in said]


def _unheard(training: Mapping[str, Any]) -> str:
    """What is not to be promised of the request's words and sounds."""
    followed = _followed(training)
    if not followed:
        return UNHEARD
    missing = [told for told in CONDITIONS.values() if told not in followed]
    told = f"It was trained to follow {_and(followed)}; how well is under Measured, where it was measured."
    return f"{told} It was not trained to follow {_and(missing)}." if missing else told


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _effort(row: Mapping[str, Any]) -> str:
    """Minutes, updates and hardware of one half."""
    told = "not recorded" if row.get("minutes") is None else _spent(row)
    for stage, how in STAGES.items():
        if after := row.get(stage):
            told += f", then {_spent(after)} {how}"
    if "hardware" in row:
        told += f", on {row['hardware']}"
    return told + (f"; the same as in {row['from']}" if "from" in row else "")


def _spent(row: Mapping[str, Any]) -> str:
    return f"{row['minutes']:.0f} minutes, {row.get('step')} updates"


def _data(card: Mapping[str, Any]) -> Iterator[str]:
    training = card["training"]
    yield "## What it learned from"
    yield ""
    data = training.get("data", {})
    if not data:
        yield "Not recorded."
        return
    for whose, said in _heard(training):
        if told := _songs(said):
            yield whose + told
    if _is_rendered(data):
        yield "Notes, chords and drum performances are from the corpora below. Changed: some songs were transposed,"
        yield "and parts that a song lacked were written by the arranger."
    yield ""
    for key, row in data.items():
        source = SOURCES.get(key, Source("stems of whoever trained it" if key == OWN else key, "", "not recorded"))
        credit = f", {source.credit}" if source.credit else ""
        pieces = f". Pieces: {', '.join(row['pieces'])}" if row.get("pieces") else ""
        yield f"- {source.title}{credit} ({source.license}), {row['hours']:.2f} h{pieces}"


def _heard(training: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """What is said of the songs of both halves together, or of each half alone with its name before it."""
    shared = {key: training[key] for key in ("data", "corpus") if key in training}
    if not any(key in training.get(half, {}) for half in HALVES for key in ("data", "corpus")):
        return [("", shared)]
    return [(f"{half.capitalize()}: ", shared | training.get(half, {})) for half in HALVES]


def _songs(said: Mapping[str, Any]) -> str:
    """How many hours of songs, and what sounded in them."""
    corpus = said.get("corpus", {})
    told = f"{corpus['hours']:.1f} hours, {corpus['songs']} songs" if corpus else ""
    if not _is_rendered(said.get("data", {})):
        return f"{told}." if told else ""
    fonts = corpus.get("sound_fonts") or FIRST_FONT
    names = [f"{_font(font)}{_hours(row)}" for font, row in fonts.items()]
    told = f"{told}, rendered" if told else "Rendered"
    varied = sum(row.get("varied_hours", 0.0) for row in fonts.values())
    drawn = f" In {varied:.1f} hours the sound of every instrument was drawn at random." if varied else ""
    return f"{told} with {' and '.join(names)}.{drawn}"


def _font(name: str) -> str:
    source = SOUND_FONTS.get(name, Source(name, "", "licence not recorded"))
    return f"{source.title}{' by ' * bool(source.credit)}{source.credit} ({source.license})"


def _hours(row: Mapping[str, Any]) -> str:
    return f", {row['hours']:.1f} h" if "hours" in row else ""


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


def codec_summary(board: Mapping[str, Any]) -> dict[str, Any]:
    """What a model card keeps of `harmonicflow evaluate --codec --json`.

    `rungs`: rung -> metric -> mean over the instruments. `sounds`: instrument, sum, mix ... -> metric -> the codec's.
    """
    scores = {metric: board["scores"].get(metric, {}) for metric in CODEC_ROWS}
    found = dict.fromkeys(sound for by_sound in scores.values() for sound in by_sound)
    rungs: dict[str, dict[str, float]] = {rung: {} for rung in CODEC_RUNGS}
    for rung, metric in product(rungs, scores):
        values = [row[rung] for sound, row in scores[metric].items() if sound in INSTRUMENTS and rung in row]
        if values:
            rungs[rung][metric] = round(sum(values) / len(values), 4)
    sounds = {
        sound: {metric: row["codec"] for metric in scores if "codec" in (row := scores[metric].get(sound, {}))}
        for sound in board.get("columns", found)
    }
    rungs = {rung: row for rung, row in rungs.items() if row}
    return {"about": dict(board["about"]), "rungs": rungs, "sounds": sounds}


def _codec_scores(card: Mapping[str, Any]) -> Iterator[str]:
    scores = card["codec"].get("scores", {})
    if not scores:
        return
    about = scores["about"]
    yield "## The codec alone"
    yield ""
    heard = f"{about.get('songs')} songs of the {about.get('split')} split"
    yield f"{heard}, encoded and decoded; means over the instruments:"
    yield ""
    yield from _codec_table(scores["rungs"], CODEC_RUNGS)
    yield ""
    yield "The codec by sound:"
    yield ""
    yield from _codec_table(scores["sounds"], CODEC_SOUNDS)


def _codec_table(columns: Mapping[str, Mapping[str, float]], titles: Mapping[str, str]) -> Iterator[str]:
    yield "| | " + " | ".join(titles.get(key, key) for key in columns) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for metric, (title, digits) in CODEC_ROWS.items():
        cells = [f"{row[metric]:.{digits}f}" if metric in row else "-" for row in columns.values()]
        if set(cells) != {"-"}:
            yield f"| {title} | {' | '.join(cells)} |"


def _limits(card: Mapping[str, Any]) -> Iterator[str]:
    yield "## What it cannot do"
    yield ""
    training = card["training"]
    limits = (RENDERED, *LIMITS) if _is_rendered(training.get("data", {})) else LIMITS
    fonts = {font for _, said in _heard(training) for font in said.get("corpus", {}).get("sound_fonts", FIRST_FONT)}
    heard = "one General MIDI SoundFont" if len(fonts) < 2 else f"{len(fonts)} General MIDI SoundFonts"
    told = {"stems": ", ".join(card["stems"]), "fonts": heard, "unheard": _unheard(training),
            "notes": NOTES["composer" in card.get("files", ())]}
    yield from (f"- {limit.format(**told)}" for limit in limits)


def _further(card: Mapping[str, Any]) -> Iterator[str]:
    yield "## Go on from here"
    yield ""
    yield "BUNDLE is the folder of this bundle (`harmonicflow models` names it), CORPUS your own stems or what"
    yield "`harmonicflow corpus build` made."
    for told, lines in FURTHER.items():
        yield ""
        yield told
        yield ""
        yield from (f"    {line}{_sizes(card, line)}" for line in lines)


def _sizes(card: Mapping[str, Any], line: str) -> str:
    """The options that a command needs to train networks of this bundle's sizes."""
    words = [f" {word} {card[half]['config'][key]}" for half, options in SIZES.items() if f"train {half} " in line
             for key, word in options.items() if "config" in card[half]]  # fmt: skip
    return "".join(words)
