"""`harmonicflow evaluate`: how well a bundle plays its score, what its codec keeps, or what its composer writes."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

PERFORMED: Final = ("validation", 12.0)  # split, seconds of each song
SHOWN: Final = ("test", 12.0)  # with --performer
CODED: Final = ("test", 10.0)
HEARD: Final = ("test", 40.0)  # with --analyst
COMPOSERS_OWN: Final = frozenset(
    {"of_composer", "bundle", "midi", "trained_on", "cache", "songs", "seed", "threads", "pictures", "page", "as_json"}
)
ANALYSTS_OWN: Final = frozenset(
    {"of_analyst", "bundle", "corpus", "split", "songs", "seconds", "seed", "threads", "clips", "page", "as_json"}
)
Folder = click.Path(path_type=Path)


@click.command()
@click.option("--codec", "of_codec", is_flag=True, help="Measure the codec alone: what survives its latents.")
@click.option("--performer", "of_performer", is_flag=True,
              help="Everything a performer must show: conditions dropped, steps, a long take; its gates.")
@click.option("--composer", "of_composer", is_flag=True,
              help="What the composer writes, beside people's songs and the arranger; its gates. On notes alone.")
@click.option("--analyst", "of_analyst", is_flag=True,
              help="What the analyst hears: beats, bars, key and chords, beside librosa's tools.")
@click.option("--bundle", type=Folder, default=None,
              help="A bundle's folder, or with --analyst a checkpoint; default: the shipped one.")
@click.option("--corpus", "--data-dir", "--data_dir", type=Folder, default=None,
              help="Corpus in Slakh's layout, with labels.json; not with --composer.")
@click.option("--midi", type=Folder, default=None, help="With --composer: the MIDI pack that the corpus is made from.")
@click.option("--trained-on", type=Folder, multiple=True,
              help="With --composer: a corpus that the composer was trained on; may be repeated.  [default: the pack]")
@click.option("--cache", type=Folder, default=None,
              help="With --composer: a folder where the pack's songs are kept for the next time.")
@click.option("--split", default=None,
              help="train, validation or test.  [default: validation; with --codec or --performer test]")
@click.option("--songs", type=click.IntRange(1, 10_000), default=20, show_default=True,
              help="Songs to listen to; with --composer, to write to the chords of.  [default there: 40]")
@click.option("--seconds", type=click.FloatRange(3.0, 300.0), default=None,
              help="Of each song.  [default: 12; with --codec 10]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Draws the songs and the noise.")
@click.option("--steps", type=click.IntRange(1, 64), default=None, help="Of the sampler; default: the bundle's own.")
@click.option("--all-sounds", is_flag=True,
              help="Songs with varied programs and kits too; without it the default sound only.")
@click.option("--threads", type=click.IntRange(1, 256), default=None,
              help="For the networks; default: all cores, with --composer two.")
@click.option("--previous", type=Folder, default=None, help="With --codec: a bundle whose codec is compared.")
@click.option("--clips", type=click.Path(path_type=Path, exists=True, file_okay=False), default=None,
              help="With --codec or --analyst: a folder of recordings to measure as well.")
@click.option("--pictures", type=Folder, default=None,
              help="With --codec, --performer or --composer: a folder for pictures.")
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="With --codec, --performer or --composer: write a page, its pictures beside it in pictures/.")
@click.option("--judges", type=Folder, default=None,
              help="With --performer: ask trained judges too; a folder where they and what they heard are kept.")
@click.option("--encoded", type=Folder, default=None,
              help="With --judges: the corpus encoded by this bundle's codec, for what might be copied.")
@click.option("--json", "as_json", is_flag=True, help="The whole scoreboard as one JSON object.")
@click.pass_context
def command(
    ctx: click.Context, of_codec: bool, of_performer: bool, of_composer: bool, of_analyst: bool, bundle: Path | None,
    corpus: Path | None, midi: Path | None, trained_on: tuple[Path, ...], cache: Path | None, split: str | None,
    songs: int, seconds: float | None, seed: int, steps: int | None, all_sounds: bool, threads: int | None,
    previous: Path | None, clips: Path | None, pictures: Path | None, page: Path | None, judges: Path | None,
    encoded: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure how well a bundle plays its score, or with --codec what its codec keeps.

    Stems are performed from the scores of songs the networks have not seen and measured beside the true audio, the
    codec's copy of it, and controls: late, of another song, noise.

    With --performer each condition is dropped once, each stem is made beside the true other three, few steps stand
    beside many, and a long take is measured; the gates a performer must pass are printed.

    With --judges, networks trained on true audio say whether a performed stem goes with the others, sounds like its
    reference and like the genre asked for, and whether anything is copied.

    With --codec true stems, their sum, mixes and recordings go through the codec and are measured beside MP3, a mel
    spectrogram turned back into sound, and noise; the gates a codec must pass are printed.

    With --composer scores are measured, not sound: how likely true notes are to the network, and how what it writes
    compares with people's songs in harmony, groove, repetition, genre and mood; what is copied, kept, and how fast.

    With --analyst beats, bars, keys and chords are heard in the songs and compared with their labels, beside what
    signal analysis without a network and librosa hear.
    """
    from harmonicflow.engine.bundle import default_path

    chosen = bundle or default_path()
    if of_codec + of_performer + of_composer + of_analyst > 1:
        raise click.UsageError("--codec, --performer, --composer and --analyst have a scoreboard each; ask for one")
    if of_composer:
        _alone(ctx, "--composer", COMPOSERS_OWN)
        if midi is None:
            raise click.UsageError("--composer measures on the songs of a MIDI pack; name its folder with --midi")
        given = ctx.get_parameter_source("songs") is not ParameterSource.DEFAULT
        _composer(chosen, midi, trained_on, cache, songs if given else None, seed, threads, pictures, page, as_json)
        return
    own = {"--midi": midi, "--trained-on": trained_on or None, "--cache": cache}
    if alone := [name for name, value in own.items() if value is not None]:
        raise click.UsageError(f"{alone[0]} goes with --composer")
    if corpus is None:
        raise click.UsageError("Missing option '--corpus'.")
    if of_analyst:
        _alone(ctx, "--analyst", ANALYSTS_OWN)
        _analyst(chosen, corpus, (split or HEARD[0], songs, seconds or HEARD[1]), seed, threads, clips, page, as_json)
        return
    told = {"--judges": judges, "--encoded": encoded}
    if not of_performer and (alone := [name for name, value in told.items() if value is not None]):
        raise click.UsageError(f"{alone[0]} goes with --performer")
    if of_codec:
        if steps is not None:
            raise click.UsageError("--steps is the performer's; --codec takes none")
        if all_sounds:
            raise click.UsageError("--codec hears all sounds as it is; leave --all-sounds out")
        window = (split or CODED[0], songs, seconds or CODED[1])
        _codec(chosen, corpus, window, seed, threads, previous, clips, pictures, page, as_json)
        return
    kinds = {"--previous": previous, "--clips": clips}
    kinds |= {} if of_performer else {"--pictures": pictures, "--page": page}
    if alone := [name for name, value in kinds.items() if value is not None]:
        raise click.UsageError(f"{alone[0]} goes with --codec")
    if of_performer:
        window = (split or SHOWN[0], songs, seconds or SHOWN[1])
        _performer(chosen, corpus, window, seed, steps, threads, all_sounds, pictures, page, judges, encoded, as_json)
        return
    from ..evaluate import EvaluateOptions, evaluate
    from ..scoreboard import table

    options = EvaluateOptions(split or PERFORMED[0], songs, seconds or PERFORMED[1], seed, steps, threads, all_sounds)
    board = evaluate(chosen, corpus, options, lambda line: click.echo(line, err=True))
    click.echo(json.dumps(board) if as_json else table(board))


def _alone(ctx: click.Context, kind: str, known: frozenset[str]) -> None:
    """Refuse options that were given and mean nothing to a scoreboard."""
    for option in ctx.command.params:
        given = ctx.get_parameter_source(str(option.name)) is not ParameterSource.DEFAULT
        if given and option.name not in known:
            raise click.UsageError(f"{option.opts[0]} says nothing to {kind}; leave it out")


def _composer(
    bundle: Path, midi: Path, trained_on: tuple[Path, ...], cache: Path | None, songs: int | None, seed: int,
    threads: int | None, pictures: Path | None, page: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """The composer's scoreboard, its pictures and its page."""
    from ..composing.board import Options, evaluate
    from ..composing.learned import Learned
    from ..composing.page import table
    from ..composing.page import write as write_page
    from ..composing.pictures import draw

    cores = threads or Options.threads
    options = Options(midi, trained_on, cache, seed=seed, threads=cores, framed=songs or Options.framed)
    found = evaluate(options, Learned.of(bundle, cores), lambda line: click.echo(line, err=True))
    if pictures is not None:
        draw(found.exhibits, pictures)
    if page is not None:
        drawn = draw(found.exhibits, page.parent / "pictures")
        told = {"--songs": songs, "--seed": seed or None, "--threads": threads}
        words = ["harmonicflow", "evaluate", "--composer", "--midi", "MIDI"]
        words += ["--trained-on", "CORPUS"] if trained_on else []
        words += [word for name, value in told.items() if value is not None for word in (name, str(value))]
        write_page(page, found.board, drawn, shlex.join([*words, "--page", page.name]))
    click.echo(json.dumps(found.board) if as_json else table(found.board))


def _analyst(
    source: Path, corpus: Path, window: tuple[str, int, float], seed: int, threads: int | None, clips: Path | None,
    page: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """The analyst's scoreboard and its page."""
    from ..analyst.page import table
    from ..analyst.page import write as write_page
    from ..analyst.questions import ScoreOptions
    from ..analyst.scores import measure

    options = ScoreOptions(*window, seed, threads)
    board = measure(source, corpus, options, clips, lambda line: click.echo(line, err=True))
    if page is not None:
        write_page(page, board, _again("--analyst", window, {"--clips": clips}, [], page))
    click.echo(json.dumps(board) if as_json else table(board))


def _performer(
    bundle: Path, corpus: Path, window: tuple[str, int, float], seed: int, steps: int | None, threads: int | None,
    all_sounds: bool, pictures: Path | None, page: Path | None, judges: Path | None, encoded: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """The performer's full scoreboard, its pictures and its page."""
    from ..performer_gates import gates
    from ..performer_ladder import PerformerOptions, climb
    from ..performer_page import table
    from ..performer_page import write as write_page
    from ..performer_pictures import draw

    options = PerformerOptions(*window, seed, steps, threads, all_sounds)
    ladder = climb(bundle, corpus, options, lambda line: click.echo(line, err=True))
    if judges is not None:
        from ..judges.judge import judge
        from ..judges.options import JudgeOptions

        asked = JudgeOptions(judges, split=window[0], seconds=window[2], seed=seed, steps=steps, threads=threads)
        found = judge(bundle, corpus, encoded, asked, lambda line: click.echo(line, err=True))
        ladder.board["judges"] = found["judges"]
        ladder.board["gates"] = gates(ladder.board)
    if pictures is not None:
        draw(ladder.exhibits, pictures)
    if page is not None:
        drawn = draw(ladder.exhibits, page.parent / "pictures")
        told = {"--seed": seed or None, "--steps": steps, "--judges": judges, "--encoded": encoded}
        extra = ["--all-sounds"] if all_sounds else []
        write_page(page, ladder.board, drawn, _again("--performer", window, told, extra, page))
    click.echo(json.dumps(ladder.board) if as_json else table(ladder.board))


def _codec(
    bundle: Path, corpus: Path, window: tuple[str, int, float], seed: int, threads: int | None, previous: Path | None,
    clips: Path | None, pictures: Path | None, page: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """The codec's ladder, its pictures and its page."""
    from ..ladder import LadderOptions, climb
    from ..ladder_page import table
    from ..ladder_page import write as write_page
    from ..ladder_pictures import draw

    options = LadderOptions(*window, seed, threads)
    ladder = climb(bundle, corpus, options, previous, clips, lambda line: click.echo(line, err=True))
    stems = tuple(ladder.board["stems"])
    if pictures is not None:
        draw(ladder.exhibits, pictures, stems)
    if page is not None:
        drawn = draw(ladder.exhibits, page.parent / "pictures", stems)
        told = {"--previous": previous, "--clips": clips, "--seed": seed or None}
        write_page(page, ladder.board, drawn, _again("--codec", window, told, [], page))
    click.echo(json.dumps(ladder.board) if as_json else table(ladder.board))


def _again(
    kind: str, window: tuple[str, int, float], told: Mapping[str, Path | int | None], extra: list[str], page: Path
) -> str:
    """The command that writes a page again; folders as words, since they lie elsewhere for others."""
    split, songs, seconds = window
    words = ["harmonicflow", "evaluate", kind, "--corpus", "CORPUS", "--split", split, "--songs", str(songs),
             "--seconds", f"{seconds:g}", *extra]  # fmt: skip
    for name, value in told.items():
        if value is not None:
            words += [name, name[2:].upper() if isinstance(value, Path) else str(value)]
    return shlex.join([*words, "--page", page.name])
