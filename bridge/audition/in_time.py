"""`play --clock` and `play --surface`: a take's sound under the hands of a host or a controller."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from harmonicflow.core.errors import HarmonicFlowError

from ..output import say
from .deck import Deck
from .keys import Keys
from .live import Live
from .rendering import Angles, playable
from .score_out import until_stopped
from .sounding import Output, output
from .sounds import take_folder

USUAL_HZ: Final = 44_100  # of a device while no take says another rate


class Wanted(NamedTuple):
    """How it is to be heard."""

    part: str = "mix"
    device: str | None = None
    rate: int | None = None
    volume_db: float = 0.0
    loop: bool = False
    head: Angles | None = None  # the stems round a head that looks there


def follow_clock(what: str, clock: str, wanted: Wanted) -> int:
    """Play a take in time with a host's clock, until Ctrl-C; returns the exit code."""
    from ..clock.playing import Heard, Watching
    from ..clock.sound import InTime
    from ..exporting.found import read

    folder = _folder(what)
    where = output(wanted.device, wanted.rate, read(folder).selection.rate)
    take = playable(folder, wanted.part, where, wanted.head)
    deck = _deck(where, wanted)
    deck.sound = take.sound
    with Heard(clock) as heard, Keys() as keys:
        guide = InTime(heard.follower, take.selection, where.rate, take.bars)
        deck.guide = guide
        watching = Watching(heard, keys)

        def look() -> bool:
            guide.judge(heard.follower.place(time.monotonic()))
            return watching()

        around = ", around and around" if wanted.loop else ""
        say(f"playing {take.name} with the clock of {heard.name}{around}; Ctrl-C ends it")
        with watching.progress:
            return _run(Live(deck, where), look)


def follow_surface(what: str | None, wanted: Wanted) -> int:
    """Play what is chosen on the daemon's surface, or always `what`, until Ctrl-C; returns the exit code."""
    from ..exporting.found import read
    from .surface import OnSurface
    from .surface_link import SurfaceLink

    folder = None if what is None else _folder(what)
    rate = USUAL_HZ if folder is None else read(folder).selection.rate
    where = output(wanted.device, wanted.rate, rate)
    deck = _deck(where, wanted)
    surface = OnSurface(deck, where, wanted.part, wanted.head, stays=folder is not None)
    if folder is not None:
        surface.load(str(folder))

    def lost(gone: bool) -> None:
        say("the daemon is gone; waiting for the next one" if gone else "the daemon is there again")

    with SurfaceLink(surface.hear, lost), Keys() as keys:
        say("playing what the surface says; Ctrl-C ends it")
        return _run(Live(deck, where), lambda: not set(keys.pressed(0.0)) & set("qQ"))


def _deck(where: Output, wanted: Wanted) -> Deck:
    return Deck(where.rate, where.channels, 10 ** (wanted.volume_db / 20), wanted.loop)


def _folder(what: str) -> Path:
    """The folder of a take; raises `unknown_take`, and `bad_option` for what is a file."""
    file = Path(what).expanduser()
    if file.is_file() or (file.suffix and not file.is_dir()):
        if not file.is_file():
            raise HarmonicFlowError("missing_file", path=file)
        reason = "its tempo must be known: give a take, or a score with --midi-out"
        raise HarmonicFlowError("bad_option", option="WHAT", value=what, reason=reason)
    return file if file.is_dir() else take_folder(what)


def _run(live: Live, look: Callable[[], bool]) -> int:
    def wait(seconds: float) -> None:
        if not look():
            live.leave()
        time.sleep(seconds)

    code = until_stopped(lambda: live.run(wait))
    if live.gaps:
        say(f"note: the sound broke off {live.gaps} times, because this computer was too busy")
    return code
