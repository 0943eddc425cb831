"""The command `harmonicflow`: finds its subcommands by name and imports only the one that is asked for.

Our own subcommands stand in `COMMANDS`, with their one-line summaries, so that `--help` imports none of them
and a clone runs its own commands, whatever else is installed. Other packages contribute theirs through the
entry points of the group `harmonicflow.commands`, which also lists ours for them to see.

`main` is the border where errors become sentences and exit codes: results go to stdout, everything
else to stderr, and a traceback is never shown (it goes to a file, which the sentence names).
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, NamedTuple, NoReturn

import click

from harmonicflow.core.errors import EXIT_CANCELLED, EXIT_OK, HarmonicFlowError

from .output import say_error

ENTRY_POINTS: Final = "harmonicflow.commands"


class Row(NamedTuple):
    """One subcommand: where it is (folder.module:name), the section of `--help`, and its line there.

    Folders are those beside this one, but for `harmonicflow`, which has that name everywhere.
    """

    target: str
    section: str
    summary: str


MAKE: Final = "Make music"
CARE: Final = "Look after it"
TEACH: Final = "Teach it your own music"
OTHER: Final = "Other commands"

COMMANDS: Final[dict[str, Row]] = {
    "demo": Row("bridge.commands.demo:command", MAKE, "Play with the example clip: one command, four stems."),
    "generate": Row("bridge.commands.generate:command", MAKE, "Make stems that fit a clip, or start from nothing."),
    "regenerate": Row("bridge.commands.regenerate:command", MAKE, "Make some stems or bars again, keep the rest."),
    "extend": Row("bridge.commands.extend:command", MAKE, "Go on from the end of a take, in one or more options."),
    "compose": Row("bridge.commands.compose:command", MAKE, "Write the notes alone, as a MIDI file."),
    "watch": Row("bridge.commands.watch:command", MAKE, "Give every clip in a folder a take beside it."),
    "play": Row("bridge.commands.play:command", MAKE, "Play a score, a take or a sound file."),
    "takes": Row("bridge.commands.takes:command", MAKE, "List the takes made so far, as a tree, or show one."),
    "export-take": Row("bridge.commands.export_take:command", MAKE, "Write a take as a project or files for any DAW."),
    "analyse": Row("harmonicflow.engine.commands.analyse:command", MAKE, "Say what a sound or MIDI file holds."),
    "graph": Row("harmonicflow.engine.commands.graph:command", MAKE, "Show which instrument listened to which."),
    "encode": Row("harmonicflow.engine.commands.encode:command", MAKE, "Turn sound files into the codec's latents."),
    "decode": Row("harmonicflow.engine.commands.decode:command", MAKE, "Turn latents back into sound files."),
    "cancel": Row("bridge.commands.cancel:command", MAKE, "Cancel a job that waits or runs."),
    "live": Row("bridge.commands.live:command", MAKE, "Make stems in Ableton Live, by a command or a controller."),
    "daemon": Row("bridge.commands.daemon:command", CARE, "Start, stop or look at the daemon that does the work."),
    "bridge": Row("bridge.commands.bridge:command", CARE, "Put HarmonicFlow into your DAW, or take it out again."),
    "models": Row("bridge.commands.models:command", CARE, "List the model bundles on this computer."),
    "doctor": Row("bridge.commands.doctor:command", CARE, "Check this installation and say how to repair it."),
    "bench": Row("bridge.commands.bench:command", CARE, "Measure speed, memory and start-up on this computer."),
    "corpus": Row("training.commands.corpus:command", TEACH, "Render training songs from MIDI."),
    "prepare": Row("training.commands.prepare:command", TEACH, "Make training songs from single instruments."),
    "train": Row("training.commands.train:command", TEACH, "Train the networks on stems."),
    "evaluate": Row(
        "training.commands.evaluate:command", TEACH,
        "Measure how well a bundle plays its score, or what its codec keeps.",
    ),
    "promote": Row(
        "training.commands.promote:command", TEACH, "Make a bundle the default one when it measures better."
    ),
    "export": Row("export.command:command", TEACH, "Turn checkpoints into a bundle the daemon can load."),
}


class LazyGroup(click.Group):
    """A click group whose subcommands are found by name and imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all subcommands that are really there: the table's order first, then others by name."""
        known = [name for name, row in COMMANDS.items() if _exists(_sibling(row.target))]
        return known + sorted(set(_entry_points()) - set(COMMANDS))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one subcommand; None when there is none of that name."""
        target = _sibling(COMMANDS[cmd_name].target) if cmd_name in COMMANDS else _entry_points().get(cmd_name)
        if target is None or not _exists(target):
            return None
        command = _load(target, cmd_name)
        if not isinstance(command, click.Command):
            raise click.ClickException(f"{target} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections of `--help` from the table, importing only what the table does not know."""
        sections: dict[str, list[tuple[str, str]]] = {MAKE: [], CARE: [], TEACH: [], OTHER: []}
        for name in self.list_commands(ctx):
            if name in COMMANDS:
                sections[COMMANDS[name].section].append((name, COMMANDS[name].summary))
            elif command := self.get_command(ctx, name):
                sections[OTHER].append((name, command.get_short_help_str(80)))
        width = max((len(name) for rows in sections.values() for name, _ in rows), default=0)
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl([(name.ljust(width), summary) for name, summary in rows])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with the nearest name offered when there is no such subcommand."""
        from difflib import get_close_matches

        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"there is no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


def _entry_points() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}


def _sibling(target: str) -> str:
    """The table's "folder.module:name" as it is called here: `harmonicflow.folder...` once installed."""
    return target if target.startswith("harmonicflow.") else f"{__package__.removesuffix('bridge')}{target}"


def _exists(target: str) -> bool:
    """Whether a target's module is there, without importing more than the (empty) packages it lies in."""
    from importlib.util import find_spec

    try:
        return find_spec(target.partition(":")[0]) is not None
    except ModuleNotFoundError:
        return False


def _load(target: str, name: str) -> object:
    module, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module), attribute or "command")
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0]
        extra = "train" if COMMANDS.get(name, Row("", OTHER, "")).section == TEACH else "cpu"
        raise HarmonicFlowError(
            "missing_package", package=package, install=f'python -m pip install "harmonicflow[{extra}]"'
        ) from error


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        import harmonicflow

        click.echo(f"harmonicflow {harmonicflow.__version__}")
        ctx.exit()


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog='Try "harmonicflow demo" first. Every command explains itself: harmonicflow generate --help',
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
def root() -> None:
    """Make bass, drums, guitar and piano that fit your music: in time, in key, at your session's rate.

    Everything runs on this computer. The work is done by a daemon in the background, which is
    started when it is needed.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; the entry point of the script `harmonicflow`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(words))


def run(words: list[str]) -> int:
    """Run one command line and return its exit code; every error has become a sentence by then."""
    as_json = "--json" in words
    try:
        code = root.main(words, prog_name="harmonicflow", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else EXIT_OK
    except HarmonicFlowError as error:
        return say_error(error, as_json)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else " ".join(["harmonicflow", *words[: words[0] in COMMANDS]])
        return say_error(HarmonicFlowError("usage", reason=error.format_message().rstrip(".?"), command=where), as_json)
    except click.ClickException as error:
        return say_error(HarmonicFlowError("engine_failed", reason=error.format_message()), as_json)
    except (click.Abort, KeyboardInterrupt):
        return say_error(HarmonicFlowError("cancelled"), as_json)
    except BrokenPipeError:
        # The reader of stdout has gone ("harmonicflow takes | head"): nothing is left to say, also not at exit.
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_CANCELLED
    except OSError as error:
        return say_error(HarmonicFlowError("disk", path=error.filename or "a file", reason=error.strerror), as_json)
    except Exception as error:
        return say_error(unexpected(error), as_json)


def unexpected(error: Exception) -> HarmonicFlowError:
    """A fault of ours: the traceback goes to a file, the person gets one sentence that names it."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="harmonicflow-", suffix=".log", delete=False) as log:
        traceback.print_exception(error, file=log)
    return HarmonicFlowError("unexpected", reason=f"{type(error).__name__}: {error}", log=log.name)
