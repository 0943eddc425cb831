"""What each command does. Quick things are done at once; the rest becomes work of many small steps."""

from collections.abc import Generator
from typing import Any

from . import requests
from .asked import Range, chosen, tracks
from .commands import Command
from .sources import Heard, listen
from .takes import sounding
from .words import EXTRAS, Trouble, is_ours, track_name


def begin(surface: Any, command: Command) -> str:
    """Do a command, or put it to work; the answer, "" while there is none yet. Raises Trouble and what Live raises."""
    if command.command == "generate":
        values = {**surface.jobs.values(), **command.values}
        surface.jobs.keep_values({**values, "seed": 0})
        surface.add(_generate(surface, values), command)
        return ""
    if command.command == "regenerate":
        return _regenerate(surface, command.stem)
    if command.command == "again":
        return _again(surface, command)
    if command.command == "cancel":
        return _cancel(surface)
    if command.command == "option":
        surface.jobs.keep_values({**surface.jobs.values(), **command.values})
        text = ", ".join(f"{name} {round(value, 2):g}" for name, value in command.values.items())
        surface.show_message(f"HarmonicFlow: {text}")
        return text
    waiting = len(surface.jobs.waiting)
    return f"{waiting} {'job' if waiting == 1 else 'jobs'} of this Set" if waiting else "nothing is on its way"


def _generate(surface: Any, values: dict[str, Any]) -> Generator[None, None, str]:
    """Read the clip and send the request; what was sent, in words."""
    song = surface.song()
    wanted = chosen(song, surface.app())
    heard = listen(tracks(song), wanted) if values.get("along", True) else Heard([], [], [], [])
    surface.jobs.turn_to(song, new=True)
    if not surface.daemon.wake():
        surface.tell("the daemon cannot be started from here; in a terminal: harmonicflow daemon start")
    name = surface.spool.new_id()
    surface.tell(_announce(wanted, heard))
    yield from requests.generate(surface.spool, name, wanted, heard, values, str(getattr(song, "name", "") or "Live"))
    wish = {"midi": values.get("midi", True), **{stem: bool(values.get(stem)) for stem in EXTRAS}}
    job = {"id": name, "what": "generate stems", "start": wanted.start, "tempo": wanted.tempo, "scene": wanted.scene}
    surface.jobs.add({**job, "wish": wish}, {"command": "generate", "values": values})
    return _announce(wanted, heard)


def _announce(wanted: Range, heard: Heard) -> str:
    """What is about to be done, and what the band does not hear."""
    words = f"stems for {wanted.words()}"
    if heard.names:
        words += f", along with {', '.join(heard.names)}"
    elif heard.troubles:
        words += ", from chords and genre alone"
    return "; ".join([words, *heard.troubles, *wanted.warnings])


def _regenerate(surface: Any, stem: str) -> str:
    """Make one instrument again in the brace."""
    song = surface.song()
    wanted = chosen(song, surface.app())
    if wanted.scene >= 0:
        raise Trouble("go to the Arrangement and set the loop brace over the bars that are to change")
    clips = [clip for track in song.tracks if is_ours(track) for clip in track.arrangement_clips]
    found = sounding(clips, wanted.start, wanted.end, wanted.tempo)
    if found is None:
        raise Trouble("there is no take of HarmonicFlow in the loop brace: generate stems first")
    first = max(0, wanted.frame(wanted.start - found.origin, found.rate))
    last = min(found.frames, wanted.frame(wanted.end - found.origin, found.rate))
    if last <= first:
        raise Trouble("the loop brace does not touch the take")
    surface.jobs.turn_to(song, new=True)
    surface.daemon.wake()
    name, names = surface.spool.new_id(), {str(track.name) for track in song.tracks}
    requests.regenerate(surface.spool, name, found.take, stem, first, last)
    wish = {extra: track_name(extra) in names for extra in EXTRAS}
    wish["midi"] = track_name(stem, True) in names
    job = {"id": name, "what": f"regenerate {stem}", "start": found.origin, "tempo": wanted.tempo, "scene": -1}
    surface.jobs.add({**job, "wish": wish}, {"command": "regenerate", "stem": stem})
    message = f"another {stem} for {wanted.words()}"
    surface.tell(message)
    return message


def _again(surface: Any, command: Command) -> str:
    """The last request once more with another seed, for what is chosen now."""
    last = surface.jobs.last
    if last is None:
        raise Trouble("nothing was generated in this Set yet")
    if last.get("command") == "regenerate":
        return _regenerate(surface, str(last.get("stem")))
    values = last.get("values")
    surface.add(_generate(surface, {**(values if isinstance(values, dict) else {}), "seed": 0}), command)
    return ""


def _cancel(surface: Any) -> str:
    """End every job of this Set."""
    count = surface.drop_unsent()
    for job in surface.jobs.waiting:
        surface.spool.cancel(job["id"])
        count += 1
    if not count:
        raise Trouble("no job of this Set waits or runs")
    message = f"{count} {'job is' if count == 1 else 'jobs are'} being cancelled"
    surface.tell(message)
    return message
