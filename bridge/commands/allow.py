"""`harmonicflow daemon allow`: which other computers may work with this daemon."""

import click

from ..options import json_option


@click.command("allow", epilog="Example: harmonicflow daemon allow laptop")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--out", metavar="FILE", help="Write the connection file here.  [default: harmonicflow-NAME.json]")
@click.option("--address", metavar="ADDRESS", help="What the other computer reaches this one by.  [default: listen]")
@click.option("--port", type=click.IntRange(1_024, 65_533), metavar="PORT",
              help="The first of three ports, when the first computer is allowed.  [default: 20580]")  # fmt: skip
@click.option("--remove", "take_back", is_flag=True, help="Do not allow it any more.")
@json_option
def allow(
    name: str | None, out: str | None, address: str | None, port: int | None, take_back: bool, as_json: bool
) -> None:
    """Let another computer work with this one's daemon, or list those that may.

    Set `listen` first (harmonicflow daemon settings). Everything between the two is encrypted. Carry the file that
    this writes to the other computer, readable by you alone, and name it there in HARMONICFLOW_CONNECTION: whoever has
    it may do with your takes what you may. A daemon that runs with `listen` set follows within two seconds.
    """
    from .. import allowing
    from ..output import result, result_json

    if name is None:
        if take_back:
            raise click.UsageError("give the NAME to remove")
        allowing.show_allowed(as_json)
    elif take_back:
        allowing.remove(name)
        result_json({"removed": name}) if as_json else result(f"{name} is not allowed any more")
    else:
        file = allowing.allow(name, out, address, port)
        if as_json:
            result_json({"allowed": name, "file": str(file.absolute())})
        else:
            result(f"{name} is allowed")
            result(f"carry this file there and set HARMONICFLOW_CONNECTION to it: {file}")
