"""Let other computers work with this one's daemon: keys for each, and the file that it connects with."""

from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

import msgspec
import zmq

from harmonicflow import __version__
from harmonicflow.core import allowed, paths, settings
from harmonicflow.core.allowed import DaemonKeys, KeyPair
from harmonicflow.core.connection import Connection
from harmonicflow.core.errors import HarmonicFlowError

from .output import result, result_json, say, table


def allow(name: str, out: str | None, address: str | None, port: int | None) -> Path:
    """Allow a computer and write its connection file, the only place where its secret key is.

    Raises `network_closed` where no address is set, `bad_option`, `disk`.
    """
    host = _address(address)
    file = Path(out or f"harmonicflow-{name}.json").expanduser()
    if file.exists():
        raise HarmonicFlowError("bad_option", option="--out", value=str(file), reason="there is such a file already")
    pair = _new_pair()
    keys = allowed.make_daemon_keys(_new_pair, port)
    allowed.allow(name, pair.public)
    try:
        paths.write_atomic(file, msgspec.json.encode(_connection(name, host, keys, pair)), mode=0o600)
    except BaseException:
        allowed.remove(name)
        raise
    return file


def remove(name: str) -> None:
    """Allow a computer no more; raises `unknown_client`, `disk`."""
    allowed.remove(name)


def show_allowed(as_json: bool) -> None:
    """Write who is allowed to stdout."""
    found = sorted(allowed.clients().values(), key=lambda client: client.name)
    if as_json:
        result_json({"allowed": [{"name": each.name, "since": _since(each.since)} for each in found]})
    elif found:
        result(table(("computer", "since"), [(each.name, _since(each.since)) for each in found]))
    else:
        say("no other computer is allowed")


def _address(chosen: str | None) -> str:
    """The address that the other computer is to ask at; raises `network_closed`, `bad_option`."""
    listen = settings.load().listen
    if not listen:
        reason = "no address is set that others could ask at"
        hint = f'Write listen = "ADDRESS", an address of this computer, into {settings.settings_file()}'
        raise HarmonicFlowError("network_closed", reason=reason, hint=hint)
    host = chosen or listen
    try:
        everywhere = ip_address(host).is_unspecified
    except ValueError:
        everywhere = False  # a name
    if everywhere:
        reason = "name the one that the other computer is to ask at"
        raise HarmonicFlowError("bad_option", option="--address", value=host, reason=reason)
    if any(sign in host for sign in "/[]*; \t\n"):
        raise HarmonicFlowError("bad_option", option="--address", value=host, reason="give an address or a name alone")
    return f"[{host}]" if ":" in host else host


def _connection(name: str, host: str, keys: DaemonKeys, pair: KeyPair) -> Connection:
    work, control, events = (f"tcp://{host}:{keys.port + number}" for number in range(3))
    return Connection(
        pid=0, started=0, version=__version__, work=work, control=control, events=events, key=keys.key, name=name,
        server=keys.pair.public, public=pair.public, secret=pair.secret,
    )  # fmt: skip


def _new_pair() -> KeyPair:
    try:
        public, secret = zmq.curve_keypair()
    except zmq.ZMQError:  # a ZeroMQ that was built without CURVE
        raise HarmonicFlowError("missing_package", package="pyzmq with CURVE", install="pip install pyzmq") from None
    return KeyPair(public=public.decode(), secret=secret.decode())


def _since(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
