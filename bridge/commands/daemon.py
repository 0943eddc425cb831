"""`harmonicflow daemon ...`: the process in the background that does the work."""

import click

from ..options import json_option
from .allow import allow


@click.group("daemon")
def command() -> None:
    """Start, stop or look at the daemon that does the work.

    Most commands start it when it is needed, so you seldom have to. It listens on this computer only, unless
    you allow others.
    """


command.add_command(allow)


@command.command("start", epilog="Example: harmonicflow daemon start --bundle ~/models/mine")
@click.option("--bundle", metavar="FOLDER", help="Serve this bundle.  [default: the one that is installed]")
@json_option
def start(bundle: str | None, as_json: bool) -> None:
    """Start the daemon and wait until it is ready.

    Fails when one is running already.
    """
    from ..spawn import start_daemon
    from ..status import show_status

    with start_daemon(bundle) as client:
        show_status(client.status(), as_json)


@command.command("stop")
@click.option("--wait", "finish", is_flag=True, help="Let the running job finish first.")
@json_option
def stop(finish: bool, as_json: bool) -> None:
    """End the daemon. Waiting jobs are kept and go on at its next start."""
    from ..client import Client
    from ..output import result, result_json
    from ..spawn import stop_daemon

    with Client.connect() as client:
        pid = stop_daemon(client, now=not finish)
    if as_json:
        result_json({"stopped": pid})
    else:
        result(f"the daemon (process {pid}) has ended")


@command.command("status")
@json_option
def status(as_json: bool) -> None:
    """Show how the daemon is: model, memory, waiting and running jobs."""
    from ..client import Client
    from ..status import show_status

    with Client.connect() as client:
        show_status(client.status(), as_json)


@command.command("health", epilog="Example: harmonicflow daemon health --ready")
@click.option("--ready", is_flag=True, help="Also fail while a job that is sent now would not be done.")
@json_option
def health(ready: bool, as_json: bool) -> None:
    """Say whether the daemon lives, for service managers and scripts; starts none.

    The exit code is 0 when it is well, 3 when none runs or the one that does has not answered for 3 seconds, and
    with --ready 1 when it could not do a job now.
    """
    from ..health import look_at_health
    from ..output import result, result_json

    status = look_at_health(ready)
    if as_json:
        result_json({"pid": status.pid, "worker": status.worker, "queued": status.queued, "uptime_s": status.uptime_s})
    else:
        result(f"process {status.pid} is well, its engine is {status.worker}, {status.queued} jobs wait")


@command.command("install", epilog="Example: harmonicflow daemon install")
@click.option("--bundle", metavar="FOLDER", help="Serve this bundle.  [default: the one that is installed]")
@json_option
def install(bundle: str | None, as_json: bool) -> None:
    """Have the daemon started when you log in, and again should it crash.

    As a user's service: of systemd on Linux, launchd on macOS, the Task Scheduler on Windows. No administrator is
    needed. Doing it twice changes nothing.
    """
    from .. import services
    from ..output import result, result_json

    service, left = services.install(bundle)
    if as_json:
        result_json({"service": service.title, "file": str(service.file), "left": left})
        return
    result(f"{service.title} starts the daemon when you log in: {service.file}")
    for sentence in left:
        result(f"  {sentence}")


@command.command("uninstall")
@json_option
def uninstall(as_json: bool) -> None:
    """Take out what `install` has put in. A daemon that runs as a service is ended; waiting jobs are kept."""
    from .. import services
    from ..output import result, result_json

    service, there = services.uninstall()
    if as_json:
        result_json({"service": service.title, "file": str(service.file), "removed": there})
    else:
        result(f"{service.file} is removed" if there else f"{service.title} has no service of HarmonicFlow")


@command.command("settings")
@json_option
def settings(as_json: bool) -> None:
    """Show every setting: its value, where that comes from, what it may be, and its default.

    They lie in settings.toml in the home folder, one a line, such as queue_limit = 32. A variable of the
    environment, HARMONICFLOW_QUEUE_LIMIT, stands before the file. The daemon reads them when it starts.
    """
    from harmonicflow.core import settings as table

    from ..settings_view import show_settings

    show_settings(table.find(), as_json)


@command.command("metrics", epilog="Example: harmonicflow daemon metrics --out harmonicflow.prom")
@click.option("--out", metavar="FILE", help="Write a file, whole or not at all, for a collector that reads files.")
def metrics(out: str | None) -> None:
    """Show the daemon's numbers in the text format of Prometheus: queue, durations, memory, failures.

    docs/daemon.md says what each of them is. Fails when no daemon runs, and starts none.
    """
    from pathlib import Path
    from uuid import uuid4

    from harmonicflow.core import paths
    from harmonicflow.core.messages import Metrics, MetricsReply

    from ..client import Client
    from ..output import result

    with Client.connect() as client:
        text = client.ask(Metrics(id=uuid4().hex), MetricsReply).text
    if out is None:
        result(text.removesuffix("\n"))
    else:
        paths.write_atomic(Path(out), text.encode(), mode=0o644)
