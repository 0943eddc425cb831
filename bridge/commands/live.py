"""`harmonicflow live`: tell the control surface in Ableton Live what to do. Live has no menu that scripts could fill.

A command is a small file in the spool's folder `hosts`; the surface takes it within a tenth of a second, and answers.
"""

import click

from harmonicflow.core.constants import DEFAULT_STEMS, GENRES

from ..options import Stems, json_option

TAKEN_S = 3.0  # within which a Live that runs has taken a command
DONE_S = 120.0  # until a long clip is read


@click.group("live")
def command() -> None:
    """Make stems in Ableton Live, from a shell, a shortcut or a controller.

    Live must run with HarmonicFlow chosen under Settings > Link, Tempo & MIDI > Control Surface.
    Set the loop brace over the bars and select the tracks to play along with.
    """


@command.command("generate", epilog="Example: harmonicflow live generate --genre funk --count 2")
@click.option("--prompt", metavar="TEXT", help="What it should sound like.")
@click.option(
    "--genre", type=click.Choice(["", *GENRES]), metavar="GENRE",
    help=f'One of {", ".join(GENRES)}.  ["": from the prompt]',
)  # fmt: skip
@click.option("--mood", metavar="MOOD", help="The mood.")
@click.option("--chords", metavar="CHORDS", help='Chords like "Am7 | D7".  ["": heard in the clip]')
@click.option("--stems", type=Stems(), help="Instruments, with commas between.")
@click.option("--count", type=click.IntRange(1, 8), metavar="NUMBER", help="How many options to choose from; 1 to 8.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), metavar="NUMBER", help="The seed.  [0: a new one]")
@click.option("--quantize", type=click.FloatRange(0, 1), metavar="0-1", help="Timing: 0 as played, 1 on the grid.")
@click.option("--rate", type=click.IntRange(8000, 384000), metavar="HZ", help="Used where no clip says another.")
@click.option("--along/--alone", default=None, help="Play along with the selected tracks.")
@click.option("--midi/--no-midi", default=None, help="Notes on tracks of their own.")
@click.option("--mix/--no-mix", default=None, help="The mix, muted.")
@click.option("--binaural/--no-binaural", default=None, help="The binaural render, muted.")
@json_option
def generate(as_json: bool, **options: object) -> None:
    """Generate stems for the loop brace, or for the selected clip in the Session.

    What is left out is as it was the last time.
    """
    values = {name: value for name, value in options.items() if value is not None}
    if "stems" in values:
        values["stems"] = [stem for stem in DEFAULT_STEMS if stem in tuple(values["stems"])]  # type: ignore[arg-type]
    if values.get("mood"):
        import json

        from harmonicflow.core.errors import HarmonicFlowError

        from ..daw import settings

        if values["mood"] not in (moods := json.loads(settings.settings())["moods"]):
            raise HarmonicFlowError("unknown_mood", mood=values["mood"], known=", ".join(moods))
    _tell("generate", as_json, values=values)


@command.command("regenerate", epilog="Example: harmonicflow live regenerate bass")
@click.argument("stem", type=click.Choice(DEFAULT_STEMS))
@json_option
def regenerate(stem: str, as_json: bool) -> None:
    """Make STEM again in the loop brace; the rest stays."""
    _tell("regenerate", as_json, stem=stem)


@command.command("again")
@json_option
def again(as_json: bool) -> None:
    """The last request of the Set once more with another seed."""
    _tell("again", as_json)


@command.command("cancel")
@json_option
def cancel(as_json: bool) -> None:
    """End the jobs of the Set that is open."""
    _tell("cancel", as_json)


@command.command("status")
@json_option
def status(as_json: bool) -> None:
    """Ask whether Live listens, and what is on its way."""
    _tell("status", as_json)


def _tell(word: str, as_json: bool, stem: str = "", values: dict[str, object] | None = None) -> None:
    """Write a command, and say what became of it; raises `no_live`, `live_refused`, `disk`."""
    import json
    import secrets
    import time

    from harmonicflow.core import paths, spool
    from harmonicflow.core.errors import HarmonicFlowError

    from ..output import result, result_json

    paths.owner_only(paths.home())
    hosts = spool.make(spool.folder()) / spool.HOSTS
    name = secrets.token_hex(8)
    asked, answered = hosts / f"live-command-{name}.json", hosts / f"live-answer-{name}.json"
    table = {"command": word, "stem": stem, "values": values or {}, "at": time.time()}
    paths.write_atomic(asked, json.dumps(table).encode(), mode=0o600)
    try:
        began = time.monotonic()
        while asked.exists() and time.monotonic() - began < TAKEN_S:
            time.sleep(0.02)
        if asked.exists():
            raise HarmonicFlowError("no_live")
        while not answered.exists():
            if time.monotonic() - began > DONE_S:
                raise HarmonicFlowError("no_live")
            time.sleep(0.02)
        answer = json.loads(answered.read_bytes())
    finally:
        asked.unlink(missing_ok=True)
        answered.unlink(missing_ok=True)
    if not answer["ok"]:
        raise HarmonicFlowError("live_refused", reason=answer["message"])
    if as_json:
        result_json(answer)
    else:
        result(str(answer["message"]))
