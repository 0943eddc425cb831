"""Listening: what plays on one line, keys that choose between several takes, and what was heard when it ended."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from harmonicflow.core.progress import Progress

from ..output import say
from .keys import Keys
from .playback import Playback

LETTERS: Final = "abcdefghi"  # of the voices, in the order they were named; 1 to 9 are the same
MOST: Final = len(LETTERS)
QUIT: Final = "qQ"
LOOP: Final = "lL"
NEXT: Final = " \t"


class Voice(NamedTuple):
    """What is heard under one letter: a name by which it can be found again, its file, its level's change in dB."""

    name: str
    path: str
    offset_db: float = 0.0


class Audition:
    """Voices being played, seen and steered from a terminal where there is one."""

    def __init__(self, playback: Playback, voices: Sequence[Voice]) -> None:
        self.playback, self.voices = playback, list(voices)
        self.ended = "end"  # or "quit", by the key; "stopped", by Ctrl-C
        self._keys = Keys()
        self._progress = Progress()
        self._said = 0

    def run(self) -> None:
        """Play to the end. Raises what `Playback.run` raises; Ctrl-C sets `ended` as well."""
        if self._keys:
            pick = f"a to {LETTERS[len(self.voices) - 1]} choose, space goes on to the next, " * (len(self.voices) > 1)
            say(f"keys: {pick}l loops or not, q ends")
        try:
            with self._keys, self._progress:
                self.playback.run(self._look)
        except KeyboardInterrupt:
            self.ended = "stopped"
            raise
        finally:
            if self.playback.gaps:
                times = "once" if self.playback.gaps == 1 else f"{self.playback.gaps} times"
                say(f"note: the sound broke off {times}, because this computer was too busy")

    def _look(self, wait_s: float) -> None:
        for key in self._keys.pressed(wait_s):
            self._press(key)
        self._show()

    def _press(self, key: str) -> None:
        playback, count = self.playback, len(self.voices)
        if key in QUIT:
            self.ended = "quit"
            playback.leave()
        elif key in LOOP:
            playback.loop = not playback.loop
        elif key in NEXT:
            playback.switch.next()
        else:
            chosen = "123456789".find(key) if key.isdigit() else LETTERS.find(key.lower())
            if 0 <= chosen < count:
                playback.switch.chosen = chosen

    def _show(self) -> None:
        """On a terminal where it is; elsewhere a line for each change."""
        chosen = self.playback.switch.chosen
        if self._progress.live:
            self._progress.update(self._words(chosen))
        elif chosen != self._said:
            say(self._words(chosen))
        self._said = chosen

    def _words(self, chosen: int) -> str:
        playback, voice = self.playback, self.voices[chosen]
        rate = playback.output.rate
        words = [f"{clock(playback.frame / rate)} of {clock(playback.voices.frames / rate)}"]
        if len(self.voices) > 1:
            words = [f"[{LETTERS[chosen].upper()}] of {len(self.voices)}", *words, f"{voice.offset_db:+.1f} dB"]
        return "  ".join([*words, *["looped"] * playback.loop, Path(voice.name).name])

    def report(self) -> dict[str, Any]:
        """What was heard, for scripts: the last voice by name and file, and for how many seconds each one was."""
        playback = self.playback
        rate, last = playback.output.rate, self.voices[playback.switch.chosen]
        return {
            "playing": last.name, "path": last.path, "position_s": round(playback.frame / rate, 3), "ended": self.ended,
            "gaps": playback.gaps,
            "voices": [
                {
                    "name": voice.name, "path": voice.path, "offset_db": round(voice.offset_db, 2),
                    "heard_s": round(frames / rate, 3),
                }
                for voice, frames in zip(self.voices, playback.switch.heard, strict=True)
            ],
        }  # fmt: skip


def clock(seconds: float) -> str:
    """Minutes and seconds: "1:05"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
