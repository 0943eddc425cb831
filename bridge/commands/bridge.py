"""`harmonicflow bridge install|uninstall|status`: the scripts that a DAW runs."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..daw.hosts import BY_NAME, HOSTS
from ..options import json_option

if TYPE_CHECKING:
    from ..daw.hosts import State

NAMES = ", ".join(host.name for host in HOSTS)

host_argument = click.argument("host", type=click.Choice(list(BY_NAME), case_sensitive=False))
folder_option = click.option(
    "--config-dir",
    "folder",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="The DAW's configuration folder.  [default: that of its newest release here]",
)


@click.group("bridge")
def command() -> None:
    """Put HarmonicFlow into your DAW, or take it out again.

    The DAW gets a few small scripts; all work is done by the daemon, which they start when it is needed.
    """


@command.command("install", epilog="Example: harmonicflow bridge install ardour")
@host_argument
@folder_option
@json_option
def install(host: str, folder: Path | None, as_json: bool) -> None:
    """Put the scripts into HOST, bind them, and say what is left to do.

    What you have bound there stays. Doing it again after an update of HarmonicFlow renews the scripts.
    """
    installer = BY_NAME[host].load()
    _show(host, installer.install(folder), as_json, installer.STEPS)


@command.command("uninstall", epilog="Example: harmonicflow bridge uninstall ardour")
@host_argument
@folder_option
@json_option
def uninstall(host: str, folder: Path | None, as_json: bool) -> None:
    """Take the scripts out of HOST. Your sessions, projects, tracks and takes stay."""
    _show(host, BY_NAME[host].load().uninstall(folder), as_json)


@command.command("status", epilog="Example: harmonicflow bridge status")
@click.argument("host", type=click.Choice(list(BY_NAME), case_sensitive=False), required=False)
@folder_option
@json_option
def status(host: str | None, folder: Path | None, as_json: bool) -> None:
    """Show which DAWs are here and whether the scripts are in them; with HOST that one alone."""
    from ..output import say

    if folder and not host:
        raise click.UsageError(f"--config-dir is the folder of one DAW: name it too ({NAMES})")
    rows = [BY_NAME[host]] if host else HOSTS
    found = [(row.name, state) for row in rows for state in row.load().look(folder)]
    for name, state in found:
        _show(name, state, as_json)
    if not found:
        known = ", ".join(f"{row.title} {row.oldest} and newer" for row in rows)
        say(f"there is no DAW here that HarmonicFlow has scripts for; it has them for {known}")


def _show(host: str, state: "State", as_json: bool, steps: list[str] | None = None) -> None:
    from ..output import result, result_json

    if as_json:
        common = {"title": state.title, "state": state.state, "version": state.version, "config": str(state.config)}
        result_json({"host": host, **common, "left": state.left, **state.to_json()})
        return
    version = f" (HarmonicFlow {state.version})" if state.version else ""
    result(f"{state.title}: {state.state}{version}, {state.config}")
    for line in state.bound:
        result(f"  {line}")
    for number, sentence in enumerate([*state.left, *(steps or [])], 1):
        result(f"  {number}. {sentence}.")
