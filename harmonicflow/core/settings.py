"""The settings: what a person may change about the daemon without touching the code.

The table is the struct below: name, type, range, default, unit and what it is for; `harmonicflow daemon settings`,
docs/settings.md and the tests read it. A value comes from the environment variable HARMONICFLOW_<NAME IN CAPITALS>,
else from `settings.toml` in the home folder, else it is the default. The daemon reads them once, when it starts.
"""

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, get_args, get_type_hints

import msgspec
from msgspec import Meta

from . import paths
from .errors import HarmonicFlowError

FILE_NAME: Final = "settings.toml"
PREFIX: Final = "HARMONICFLOW_"
MAX_FILE_BYTES: Final = 65_536
DEFAULT: Final = "default"  # where a value nobody has set comes from


def _in(least: float, most: float, unit: str, purpose: str) -> Meta:
    return Meta(ge=least, le=most, description=purpose, extra={"unit": unit})


def _text(most: int, may_be: str, purpose: str) -> Meta:
    return Meta(max_length=most, description=purpose, extra={"unit": "", "may be": may_be})


ADDRESS: Final = "an IP address, or empty"
CONTROLLERS: Final = "IPv4 addresses with commas between, or empty"
OSC_PORT: Final = 9720  # registered for nothing at IANA, and no default of an OSC program that is known


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of one daemon."""

    queue_limit: Annotated[int, _in(1, 10_000, "jobs", "Jobs that may wait; the next one is refused as busy.")] = 32
    job_seconds_per_second: Annotated[
        float, _in(0, 1e5, "s per s", "A job may run so long for each second of sound it makes; 0 = without limit.")
    ] = 60.0
    job_seconds_least: Annotated[float, _in(0, 1e6, "s", "But every job may run at least so long.")] = 600.0
    worker_memory_mb: Annotated[
        int,
        _in(
            0, 10_000_000, "MB",
            "Above it the engine's job fails and the engine starts anew; 0 = a quarter of the memory, at least 2000.",
        ),
    ] = 0  # fmt: skip
    keep_alive_minutes: Annotated[
        float, _in(0, 1e5, "min", "After so long without work the engine gives its memory back; 0 = never.")
    ] = 0.0
    low_disk_mb: Annotated[int, _in(0, 10_000_000, "MB", "With less free space than this no new job is accepted.")] = (
        500
    )
    keep_takes_days: Annotated[
        int, _in(0, 36_500, "days", "Takes older than this are removed, starred ones never; 0 = all are kept.")
    ] = 0
    keep_takes_gb: Annotated[
        float, _in(0, 1e6, "GB", "Above it the oldest takes are removed, starred ones never; 0 = all are kept.")
    ] = 0.0
    log_mb: Annotated[int, _in(1, 1000, "MB", "A log that has grown to this is put aside for a new one.")] = 1
    log_files: Annotated[int, _in(0, 100, "files", "So many old logs are kept.")] = 3
    listen: Annotated[
        str,
        _text(
            45, ADDRESS, "An IP address at which other computers may ask too, encrypted; empty = this computer only."
        ),
    ] = ""
    osc_port: Annotated[
        int, _in(0, 65_535, "", "UDP port of the OSC door; where it is taken, another is used; 0 = any that is free.")
    ] = OSC_PORT
    osc_from: Annotated[
        str,
        _text(500, CONTROLLERS, "Controllers on the network that may send OSC, unsigned; empty = this computer only."),
    ] = ""

    @property
    def controllers(self) -> tuple[str, ...]:
        """The addresses in `osc_from`."""
        return addresses(self.osc_from)


def addresses(text: str) -> tuple[str, ...]:
    """IPv4 addresses with commas between; raises ValueError, also for one that is nobody's or everybody's."""
    found = [IPv4Address(word.strip()) for word in text.split(",")] if text.strip() else []
    for each in found:
        if each.is_unspecified or each.is_multicast or each.is_loopback or each == IPv4Address("255.255.255.255"):
            raise ValueError(f"{each} is no controller")
    return tuple(map(str, found))


class Setting(NamedTuple):
    """One row of the table."""

    name: str
    kind: type
    default: int | float | str
    least: float | None
    most: float | None
    unit: str
    purpose: str
    words: str = ""  # what a text may be

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return PREFIX + self.name.upper()

    @property
    def range(self) -> str:
        """What it may be, in words."""
        return self.words if self.kind is str else f"{self.least:.8g} to {self.most:.8g}"

    @property
    def rule(self) -> str:
        """What it may be, in more words."""
        kinds = {int: "a whole number from ", float: "a number from ", str: ""}
        return f"{kinds[self.kind]}{self.range}" + (f" ({self.unit})" if self.unit else "")


class Found(NamedTuple):
    """One value and where it comes from: a variable's name, the file's name, or `DEFAULT`."""

    setting: Setting
    value: int | float | str
    origin: str


def _rows() -> dict[str, Setting]:
    hints = get_type_hints(Settings, include_extras=True)
    rows = {}
    for field in msgspec.structs.fields(Settings):
        kind, meta = get_args(hints[field.name])
        rows[field.name] = Setting(
            field.name, kind, field.default, meta.ge, meta.le, meta.extra["unit"], meta.description,
            meta.extra.get("may be", ""),
        )  # fmt: skip
    return rows


TABLE: Final[Mapping[str, Setting]] = _rows()


def settings_file() -> Path:
    """Where the settings of this user lie, if there are any."""
    return paths.home() / FILE_NAME


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that hold now; raises `bad_setting`, `bad_settings`, `unreadable`."""
    return Settings(**{row.setting.name: row.value for row in find(environment)})  # type: ignore[arg-type]


def find(environment: Mapping[str, str] | None = None) -> tuple[Found, ...]:
    """Every setting in the table's order, with its value and where it comes from; raises as `load` does."""
    environment = os.environ if environment is None else environment
    file = settings_file()
    written = _read(file)
    for name in written:
        if name not in TABLE:
            near = get_close_matches(name, TABLE, n=1)
            hint = f"Write {near[0]}, if that is what you mean" if near else f"Take it out of {file}"
            raise HarmonicFlowError("bad_setting", what=f"there is no setting {name!r}", where=file, hint=hint)
    return tuple(_found(row, written, environment, file) for row in TABLE.values())


def _found(row: Setting, written: Mapping[str, object], environment: Mapping[str, str], file: Path) -> Found:
    if row.variable in environment:
        return Found(row, _checked(row, environment[row.variable], row.variable, strict=False), row.variable)
    if row.name in written:
        return Found(row, _checked(row, written[row.name], str(file), strict=True), FILE_NAME)
    return Found(row, row.default, DEFAULT)


def _checked(row: Setting, value: object, where: str, *, strict: bool) -> int | float | str:
    try:
        converted = msgspec.convert({row.name: value}, Settings, strict=strict)
        found: int | float | str = getattr(converted, row.name)
        if isinstance(found, float) and found != found:
            raise ValueError("not a number")
        if row.words == ADDRESS and found:
            ip_address(str(found))
        elif row.words == CONTROLLERS:
            addresses(str(found))
    except ValueError as error:  # msgspec's too
        raise HarmonicFlowError(
            "bad_setting", what=f"the setting {row.name} cannot be {value!r}", where=where,
            hint=f"It is {row.rule}; without it, {row.default!r} holds",
        ) from error  # fmt: skip
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise HarmonicFlowError("unreadable", path=file, reason=error.strerror or error) from error
    if len(data) > MAX_FILE_BYTES:
        raise HarmonicFlowError("bad_settings", path=file, reason=f"it has more than {MAX_FILE_BYTES} bytes")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # broken TOML and broken UTF-8
        raise HarmonicFlowError("bad_settings", path=file, reason=error) from error
