"""`harmonicflow bridge install|uninstall|status`: the scripts that a DAW runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ..options import json_option

if TYPE_CHECKING:
    from ..daw.ardour.install import State

HOSTS: Final = ("ardour",)
KEYS: Final = "Window > Keyboard Shortcuts, tab Editor, LuaAction: select an action and press its key (free: Shift+G)"

host_argument = click.argument("host", type=click.Choice(HOSTS, case_sensitive=False))
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
    """Put the scripts into HOST (ardour), bind them, and say what is left to do.

    What you have bound there stays. Doing it again after an update of HarmonicFlow renews the scripts.
    """
    from ..daw.ardour.install import install

    _show(install(folder), as_json, steps=True)


@command.command("uninstall", epilog="Example: harmonicflow bridge uninstall ardour")
@host_argument
@folder_option
@json_option
def uninstall(host: str, folder: Path | None, as_json: bool) -> None:
    """Take the scripts out of HOST (ardour). Your sessions, tracks and takes stay."""
    from ..daw.ardour.install import uninstall

    _show(uninstall(folder), as_json)


@command.command("status", epilog="Example: harmonicflow bridge status")
@folder_option
@json_option
def status(folder: Path | None, as_json: bool) -> None:
    """Show which DAWs are here and whether the scripts are in them."""
    from ..daw.ardour.install import look
    from ..output import say

    states = look(folder)
    for state in states:
        _show(state, as_json)
    if not states:
        say("there is no DAW here that HarmonicFlow has scripts for; it has them for Ardour 7 and newer")


def _show(state: "State", as_json: bool, steps: bool = False) -> None:
    from ..output import result, result_json

    if as_json:
        rest = {"config": str(state.config), "actions": {str(slot): name for slot, name in state.actions.items()}}
        result_json({"host": "ardour", "state": state.state, **state._asdict(), **rest})
        return
    version = f" (HarmonicFlow {state.version})" if state.version else ""
    result(f"{state.ardour}: {state.state}{version}, {state.config}")
    for slot, name in state.actions.items():
        result(f"  Action {slot:<3} {name}")
    if state.hook:
        result("  hook       bound: it shows progress and brings the results")
    left = [*state.left, *([KEYS, "Select a range and tracks, then Edit > Lua Scripts"] if steps else [])]
    for number, sentence in enumerate(left, 1):
        result(f"  {number}. {sentence}.")
