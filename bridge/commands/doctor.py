"""`harmonicflow doctor`: is everything here, and if not, what to do."""

import click

from ..options import json_option


@click.command("doctor", epilog="Example: harmonicflow doctor --json")
@click.option("--bundle", metavar="FOLDER", help="Check this bundle.  [default: the one that is served]")
@json_option
def command(bundle: str | None, as_json: bool) -> None:
    """Check this installation: Python, packages, the model, the daemon, folders and disk.

    Every line says ok, warning or failed; below a problem stands the command that repairs it. The exit code is 1
    when something failed.
    """
    from harmonicflow.core.errors import EXIT_FAILED

    from ..checks import check_all
    from ..output import result, result_json

    failed = 0
    for check in check_all(bundle):
        failed += check.state == "failed"
        if as_json:
            result_json(check._asdict())
            continue
        result(f"{check.state:<8} {check.name:<12} {check.found}")
        if check.repair:
            result(f"{'':<8} {'':<12} repair: {check.repair}")
    if failed:
        click.get_current_context().exit(EXIT_FAILED)
