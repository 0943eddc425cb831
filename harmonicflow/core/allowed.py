"""Who may ask from other computers: the daemon's own key pair, and the public key of each computer allowed.

    network/daemon.json        the daemon's CURVE keys, its ports, the key that messages are signed with
    network/clients/NAME.json  a computer's public CURVE key; its secret half is in its connection file alone

Both in the home folder, owner-only. CURVE keys are Curve25519 in Z85 (ZeroMQ RFC 26 and 32). `harmonicflow daemon
allow` writes these files, whether a daemon runs or not; the daemon looks at the folder and follows.
"""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from . import connection, messages, paths
from .errors import HarmonicFlowError

FOLDER: Final = "network"
CLIENTS: Final = "clients"
DAEMON_FILE: Final = "daemon.json"
DEFAULT_PORT: Final = 20_580  # and the two above it: work, control, events; below the ports that systems lend
MAX_FILE_BYTES: Final = 65_536
MAX_CLIENTS: Final = 1_000
NAME: Final = re.compile(messages.NAME)

Z85: TypeAlias = Annotated[str, Meta(pattern=rf"^{connection.Z85.pattern}\Z")]
Port: TypeAlias = Annotated[int, Meta(ge=1_024, le=65_533)]
Kind = TypeVar("Kind", bound=msgspec.Struct)


class KeyPair(msgspec.Struct, frozen=True, kw_only=True):
    """Both halves of a CURVE key."""

    public: Z85
    secret: Z85


class DaemonKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What the daemon shows and keeps towards other computers."""

    pair: KeyPair
    port: Port = DEFAULT_PORT
    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]  # signs messages, as in wire.py; CURVE tells who is who


class ClientKey(msgspec.Struct, frozen=True, kw_only=True):
    """One computer that may ask."""

    name: Annotated[str, Meta(pattern=rf"^{NAME.pattern}\Z")]
    public: Z85
    since: float = 0.0  # seconds since 1970


def folder() -> Path:
    """Where the keys lie."""
    return paths.home() / FOLDER


def clients_folder() -> Path:
    """One file for each computer allowed."""
    return folder() / CLIENTS


def daemon_keys() -> DaemonKeys | None:
    """The daemon's keys, None where nobody was ever allowed; raises `denied`, `unreadable`."""
    return _read(folder() / DAEMON_FILE, DaemonKeys)


def make_daemon_keys(pair: Callable[[], KeyPair], port: int | None = None) -> DaemonKeys:
    """The daemon's keys, made where there are none; raises `bad_option` where they are for another port, `disk`."""
    found = daemon_keys()
    if found is None:
        found = DaemonKeys(pair=pair(), port=DEFAULT_PORT if port is None else port, key=secrets.token_hex(32))
        _write(folder() / DAEMON_FILE, found)
    elif port not in (None, found.port):
        raise HarmonicFlowError(
            "bad_option", option="--port", value=port,
            reason=f"computers are allowed at port {found.port} already; take them all back first",
        )  # fmt: skip
    return found


def clients() -> dict[str, ClientKey]:
    """The computers that may ask, by their public keys; a file that is no such thing allows nobody."""
    found: dict[str, ClientKey] = {}
    if clients_folder().is_dir():
        for file in sorted(clients_folder().glob("*.json"))[:MAX_CLIENTS]:
            try:
                client = _read(file, ClientKey)
            except HarmonicFlowError:
                continue
            if client and file.name == f"{client.name}.json":
                found[client.public] = client
    return found


def allow(name: str, public: str) -> ClientKey:
    """Allow a computer; raises `bad_option` for a name that cannot be or that is taken, `disk`."""
    if not NAME.fullmatch(name):
        reason = "use 1 to 64 letters, digits, ., - and _, a letter or digit first"
        raise HarmonicFlowError("bad_option", option="NAME", value=name, reason=reason)
    if any(client.name.lower() == name.lower() for client in clients().values()):
        reason = "it is allowed already; take it back first with --remove"
        raise HarmonicFlowError("bad_option", option="NAME", value=name, reason=reason)
    client = ClientKey(name=name, public=public, since=time.time())
    _write(clients_folder() / f"{name}.json", client)
    return client


def remove(name: str) -> None:
    """Allow a computer no more; with the last one go the daemon's keys. Raises `unknown_client`, `disk`."""
    if not NAME.fullmatch(name) or name not in [client.name for client in clients().values()]:
        raise HarmonicFlowError("unknown_client", name=name)
    with paths.disk_errors(clients_folder()):
        (clients_folder() / f"{name}.json").unlink()
        if not clients():
            (folder() / DAEMON_FILE).unlink(missing_ok=True)


def mark() -> Mapping[Path, int]:
    """What changes when somebody is allowed or taken back."""
    found = {}
    for path in (folder(), clients_folder()):
        try:
            found[path] = path.stat().st_mtime_ns
        except OSError:
            found[path] = 0
    return found


def _write(file: Path, value: msgspec.Struct) -> None:
    for each in (paths.home(), folder(), file.parent):
        paths.owner_only(each)
    paths.write_atomic(file, msgspec.json.encode(value), mode=0o600)


def _read(file: Path, kind: type[Kind]) -> Kind | None:
    try:
        with file.open("rb") as stream:
            connection.check_private(stream.fileno(), file)
            return msgspec.json.decode(stream.read(MAX_FILE_BYTES), type=kind)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HarmonicFlowError("unreadable", path=file, reason=error.strerror or error) from error
    except ValueError as error:  # msgspec's too
        raise HarmonicFlowError("unreadable", path=file, reason=str(error)[:200]) from error
