"""The settings, for people and for scripts."""

from collections.abc import Sequence

from harmonicflow.core.settings import Found, settings_file

from .output import result, result_json, say, table


def show_settings(found: Sequence[Found], as_json: bool) -> None:
    """Write the settings to stdout."""
    if as_json:
        for row in found:
            setting = row.setting
            result_json(
                {
                    "name": setting.name, "value": row.value, "from": row.origin, "range": setting.range,
                    "default": setting.default, "unit": setting.unit, "purpose": setting.purpose,
                    "variable": setting.variable,
                }
            )  # fmt: skip
        return
    head = ("setting", "value", "unit", "from", "may be", "default")
    result(
        table(head, [
            (row.setting.name, _words(row.value), row.setting.unit, row.origin, row.setting.range,
             _words(row.setting.default))
            for row in found
        ])
    )  # fmt: skip
    say(f"change them in {settings_file()}, then start the daemon again; docs/daemon.md says what each is for")


def _words(value: int | float | str) -> str:
    return f"{value:.8g}" if isinstance(value, int | float) else value or "-"
