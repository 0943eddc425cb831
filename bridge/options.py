"""Kinds of values and groups of options that several subcommands share."""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from harmonicflow.core.constants import DEFAULT_STEMS, GENRES, MAX_LIKE_SECONDS
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.meters import exact
from harmonicflow.core.tempo import parse_bpm

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

if TYPE_CHECKING:  # generic for type checkers only: older releases of click cannot be subscripted
    Kind: TypeAlias = click.ParamType[Any]
else:
    Kind = click.ParamType

MAX_SEED: Final = 2**63 - 1
MOST_SECONDS: Final = 10**6  # far beyond any clip, and safe in a float
PREVIEW: Final = "harmonicflow.preview"  # of a context's `meta`
_MINUTES: Final = re.compile(r"(\d{1,4}):([0-5]?\d(?:\.\d{0,12})?)")


def number(text: object) -> Fraction | None:
    """The number a person wrote ("97.3", "1/3") as an exact fraction; None when it is not a number."""
    try:
        return exact(str(text))
    except ValueError:
        return None


class Seconds(Kind):
    """A place or length in time: seconds ("9.5") or minutes and seconds ("1:02.5"), kept exactly."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        if isinstance(value, Fraction):
            return value
        if match := _MINUTES.fullmatch(str(value)):
            return int(match[1]) * 60 + Fraction(match[2])
        seconds = number(value)
        if seconds is None or abs(seconds) > MOST_SECONDS:
            self.fail(f"{value!r} is not a time; write seconds like 9.5, or minutes like 1:02.5", param, ctx)
        return seconds


class Tempo(Kind):
    """Quarter notes a minute, kept exactly; raises `bad_tempo`."""

    name = "bpm"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        return value if isinstance(value, Fraction) else parse_bpm(str(value))


class Beats(Kind):
    """Quarter notes as an exact number ("2.5")."""

    name = "beats"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        beats = number(value)
        if beats is None or beats < 0:
            self.fail(f"{value!r} is not a number of beats; write quarter notes like 2 or 2.5", param, ctx)
        return beats


class Stems(Kind):
    """Names of instruments with commas between; raises `unknown_stem`."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = [name.strip().lower() for name in str(value).split(",") if name.strip()]
        if not names:
            raise HarmonicFlowError("unknown_stem", stem=value, known=", ".join(INSTRUMENTS))
        for name in names:
            if name not in INSTRUMENTS:
                raise HarmonicFlowError("unknown_stem", stem=name, known=", ".join(INSTRUMENTS))
        return tuple(dict.fromkeys(names))


class Genre(Kind):
    """One of the table of genres; raises `unknown_genre`."""

    name = "genre"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        genre = str(value).strip().lower().replace("-", "").replace(" ", "")
        if genre not in GENRES:
            raise HarmonicFlowError("unknown_genre", genre=value, known=", ".join(GENRES))
        return genre


class Whole(Kind):
    """A whole number in a range; raises the error of the given code, whose field has the same name."""

    name = "number"

    def __init__(self, code: str, field: str, lowest: int, highest: int) -> None:
        self.code, self.field, self.lowest, self.highest = code, field, lowest, highest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).strip()
        if not re.fullmatch(r"[+-]?\d{1,20}", text) or not self.lowest <= int(text) <= self.highest:
            raise HarmonicFlowError(self.code, **{self.field: value})
        return int(text)


class Count(Kind):
    """A whole number in a range, of an option that has no error of its own; raises `bad_option`."""

    name = "number"

    def __init__(self, lowest: int, highest: int) -> None:
        self.lowest, self.highest = lowest, highest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).strip()
        if not re.fullmatch(r"[+-]?\d{1,20}", text) or not self.lowest <= int(text) <= self.highest:
            option = param.opts[0] if param else "this"
            reason = f"it is a whole number from {self.lowest} to {self.highest}"
            raise HarmonicFlowError("bad_option", option=option, value=value, reason=reason)
        return int(text)


class Number(Kind):
    """A number in a range, of an option that has no error of its own; raises `bad_option`."""

    name = "number"

    def __init__(self, lowest: int, highest: int) -> None:
        self.lowest, self.highest = lowest, highest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = number(value)
        if found is None or not self.lowest <= found <= self.highest:
            option = param.opts[0] if param else "this"
            reason = f"it is a number from {self.lowest} to {self.highest}"
            raise HarmonicFlowError("bad_option", option=option, value=value, reason=reason)
        return float(found)


class Emotion(Kind):
    """Valence and arousal, each from -1 to 1, with a comma between."""

    name = "valence,arousal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        numbers = [number(word) for word in str(value).split(",")]
        if len(numbers) != 2 or any(part is None or abs(part) > 1 for part in numbers):
            self.fail(f"{value!r} is not an emotion; write valence and arousal from -1 to 1, like 0.6,-0.2", param, ctx)
        valence, arousal = (float(part) for part in numbers if part is not None)
        return valence, arousal


class Like(Kind):
    """A file that stems are to sound like: "bass=FILE", or "FILE" for all; gives stem ("" = all) and path."""

    name = "stem=file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        stem, equals, path = str(value).partition("=")
        stem = stem.strip().lower()
        if not equals or {"/", "\\", "."} & set(stem):  # a file's name may hold "="
            return "", str(value)
        if stem not in INSTRUMENTS:
            raise HarmonicFlowError("unknown_stem", stem=stem, known=", ".join(INSTRUMENTS))
        return stem, path


def grouped(*options: Decorator) -> Decorator:
    """Several options as one decorator, shown in the order given."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


json_option: Final[Decorator] = click.option(
    "--json", "as_json", is_flag=True, help="Write results as JSON, one object a line, for scripts."
)

time_options: Final = grouped(
    click.option("--tempo", type=Tempo(), help="Quarter notes a minute, 20 to 400.  [default: a MIDI file's, or 120]"),
    click.option("--meter", help="Time signature: 3/4, 6/8, 7/8, 12/8 ...  [default: a MIDI file's, or 4/4]"),
    click.option(
        "--start-beat", type=Beats(), default=Fraction(0), metavar="BEATS",
        help="Quarter notes between the last bar line and the selection's start.  [default: 0]",
    ),
)  # fmt: skip


def style_options(genre: str, chords: str, key: str) -> Decorator:
    """What the music is to be like; the arguments say in words what holds where an option is left out."""
    return grouped(
        click.option("--prompt", default="", help='The sound in your own words: "warm, laid-back late-night groove".'),
        click.option("--genre", type=Genre(), help=f"One of {', '.join(GENRES)}.  [default: {genre}]"),
        click.option("--mood", help='A mood such as "happy", "sad", "calm" or "tense".'),
        click.option("--emotion", type=Emotion(), help="The mood as numbers from -1 to 1, instead of a word."),
        click.option(
            "--chords",
            help=f'Chords with | between bars: "Am7 | D7/F# | Gmaj7"; repeated to the end.  [default: {chords}]',
        ),
        click.option("--key", help=f'The key: "A minor", "F# major".  [default: {key}]'),
    )


def _note_preview(context: click.Context, option: click.Parameter, preview: bool) -> None:
    context.meta[PREVIEW] = preview


def _steps(context: click.Context, option: click.Parameter, steps: int | None) -> int:
    """As the protocol has it: 0 is the model's own number."""
    if not context.meta.get(PREVIEW):
        return steps or 0
    if steps is not None:
        raise click.UsageError("give only one of --steps and --preview")
    return 1


def _each_once(
    context: click.Context, option: click.Parameter, likes: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    stems = [stem for stem, _ in likes]
    for stem, path in likes:
        if stems.count(stem) > 1:
            reason = f"{stem} has one already" if stem else "there is one for all stems already"
            raise HarmonicFlowError("bad_option", option="--like", value=path, reason=reason)
    return likes


like_option: Final = click.option(
    "--like", type=Like(), multiple=True, metavar="STEM=FILE", callback=_each_once,
    help=f"Sound like this: a file with that instrument alone, of which up to {MAX_LIKE_SECONDS} s are heard. "
    "Repeat it for other stems; without STEM= it is for all that are made. A MIDI file: as --like-score.",
)  # fmt: skip

count_option: Final[Decorator] = click.option(
    "--count", "--options", "count", type=Whole("bad_count", "count", 1, 16), default=1, show_default=True,
    metavar="NUMBER", help="How many takes to make, each with its own seed; 1 to 16.",
)  # fmt: skip

seed_option: Final[Decorator] = click.option(
    "--seed", type=Whole("bad_seed", "seed", 0, MAX_SEED), metavar="NUMBER",
    help="The same seed and request give the same take, to the byte.  [default: a new one]",
)  # fmt: skip

choice_options: Final = grouped(
    seed_option,
    click.option(
        "--steps", type=Whole("bad_steps", "steps", 1, 64), metavar="NUMBER", callback=_steps,
        help="Steps of the player: fewer is quicker, more is finer; 1 to 64.  [default: the model's own]",
    ),
    click.option(
        "--preview", is_flag=True, is_eager=True, expose_value=False, callback=_note_preview,
        help="One step only: rough, and as quick as it gets.",
    ),
)  # fmt: skip

out_option: Final = click.option(
    "--out", metavar="FOLDER", help="Also copy the files of the take into this folder (made when missing)."
)

stems_option: Final = click.option(
    "--stems", type=Stems(), default=",".join(DEFAULT_STEMS), show_default=True, metavar="NAMES",
    help="Which instruments to make, with commas between.",
)  # fmt: skip
