"""`harmonicflow doctor`: is everything here, and if not, what to do."""

import click

from ..options import json_option


@click.command(
    "doctor",
    epilog="""\b
Examples:
  harmonicflow doctor
  harmonicflow doctor --report""",
)
@click.option("--bundle", metavar="FOLDER", help="Check this bundle.  [default: the one that is served]")
@click.option(
    "--report", metavar="[FILE]", is_flag=False, flag_value="harmonicflow-report.txt",
    help="Also write a text file for a bug report, without private paths or names.",
)  # fmt: skip
@json_option
def command(bundle: str | None, report: str | None, as_json: bool) -> None:
    """Check this installation: Python, packages, the model, folders and disk, the daemon, sound and DAWs.

    Every line says ok, warning or failed; below a problem stands the command that repairs it. The exit code is 1
    when something failed.
    """
    from pathlib import Path

    from harmonicflow.core.errors import EXIT_FAILED

    from ..checks import check_all
    from ..output import result, result_json, say

    checks = []
    for check in check_all(bundle):
        checks.append(check)
        if as_json:
            result_json(check._asdict())
            continue
        result(f"{check.state:<8} {check.name:<12} {check.found}")
        for word, text in (("repair", check.repair), ("advice", check.advice)):
            if text and check.state != "ok":
                result(f"{'':<8} {'':<12} {word}: {text}")
    if report is not None:
        from ..bug_report import write_report

        file = Path(report).absolute()
        write_report(file, checks)
        say(f"the report is in {file}: look through it, then send it with your words on what went wrong")
    if any(check.state == "failed" for check in checks):
        click.get_current_context().exit(EXIT_FAILED)
