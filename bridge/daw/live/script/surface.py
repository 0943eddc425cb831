"""The control surface as Live sees it: called about ten times a second, and at every MIDI message.

Live's Python has one thread, which draws as well. So all work is cut into steps, and a tick does as many as fit into
a few milliseconds. Only the interface of `c_instance` is used, which no release of a framework changes.
"""

import importlib
import os
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from . import commands, work
from .commands import Command
from .daemon import Daemon
from .jobs import Jobs
from .spool import Spool, table_of
from .watch import Watch
from .words import CHANNEL, TRIGGERS, WAIT, Trouble

HERE = os.path.dirname(os.path.abspath(__file__))
BUDGET_S = 0.004  # of a tick for work that can wait
OLDEST = (12, 0, 5)  # the first Live that makes audio clips from files for scripts
NOTE_ON, CONTROL = 0x90, 0xB0


class Surface:
    """One control surface in Live's settings."""

    def __init__(self, c_instance: Any) -> None:
        self._c_instance = c_instance
        self._works: deque[tuple[Command | None, Iterator[Any]]] = deque()
        self._commands: deque[Command] = deque()
        self._said = ""
        self.settings = table_of(os.path.join(HERE, "settings.json"))
        self.ready = self.settings is not None and isinstance(self.settings.get("spool"), str)
        if self.settings is None or not self.ready:
            self.show_message("HarmonicFlow: run once in a terminal: harmonicflow bridge install live")
            return
        self.spool = Spool(self.settings["spool"])
        self.jobs = Jobs(self.spool)
        self.daemon = Daemon(self.spool, list(self.settings.get("start") or []))
        library = os.path.dirname(os.path.dirname(HERE))  # of User Library/Remote Scripts/HarmonicFlow
        self.watch = Watch(self, library)

    # What Live calls.

    def update_display(self) -> None:
        """About ten times a second. Never raises: Live would put it into its log at each tick."""
        if not self.ready:
            return
        try:
            self._tick()
        except Exception as error:
            self._fault(error)

    def build_midi_map(self, midi_map_handle: Any) -> None:
        """Ask Live to hand us the messages of the table."""
        midi, handle = importlib.import_module("Live").MidiMap, self._c_instance.handle()
        for row in TRIGGERS:
            forward = midi.forward_midi_note if row.kind == "note" else midi.forward_midi_cc
            forward(handle, midi_map_handle, CHANNEL, row.number)

    def receive_midi(self, midi_bytes: Any) -> None:
        """One of these messages: what it asks for is done in the next tick."""
        if not self.ready or len(midi_bytes) != 3 or midi_bytes[0] & 0x0F != CHANNEL:
            return
        kind, (_, number, value) = midi_bytes[0] & 0xF0, midi_bytes
        for row in TRIGGERS:
            if row.number != number or kind != (NOTE_ON if row.kind == "note" else CONTROL):
                continue
            if row.command != "option":
                if value:
                    self._commands.append(Command(row.command, row.option, {}, ""))
            else:
                values = {"count": 1 + value * 7 // 127} if row.option == "count" else {row.option: value / 127}
                self._commands.append(Command("option", row.option, values, ""))

    def disconnect(self) -> None:
        """Live ends, opens another Set, or the surface is taken out: unfinished work is dropped, jobs are kept."""
        while self._works:
            self._works.popleft()[1].close()  # type: ignore[attr-defined]
        self._commands.clear()

    def refresh_state(self) -> None:
        """Nothing is sent to a controller."""

    def connect_script_instances(self, instanciated_scripts: Any) -> None:
        """No other surface is needed."""

    def can_lock_to_devices(self) -> bool:
        """No device is controlled."""
        return False

    def suggest_input_port(self) -> str:
        """Any port, or none."""
        return ""

    def suggest_output_port(self) -> str:
        """None."""
        return ""

    def suggest_map_mode(self, cc_no: int, channel: int) -> int:
        """As Live thinks best."""
        return -1

    def suggest_needs_takeover(self, cc_no: int, channel: int) -> bool:
        """As Live does by default."""
        return True

    def supports_pad_translation(self) -> bool:
        """No pads."""
        return False

    def instance_identifier(self) -> int:
        """Live's own number of this surface."""
        return int(self._c_instance.instance_identifier())

    def request_rebuild_midi_map(self) -> None:
        """Have `build_midi_map` called again."""
        self._c_instance.request_rebuild_midi_map()

    # What the other parts use.

    def song(self) -> Any:
        """The Set that is open."""
        return self._c_instance.song()

    def app(self) -> Any:
        """Live."""
        return importlib.import_module("Live").Application.get_application()

    def show_message(self, text: str) -> None:
        """A line in Live's status bar."""
        if text != self._said:
            self._said = text
            self._c_instance.show_message(text)

    def tell(self, text: str) -> None:
        """A sentence for the musician, in the status bar and in the log."""
        self._said = ""
        self.show_message(f"HarmonicFlow: {text}")
        self.jobs.say(text)
        self._c_instance.log_message(f"HarmonicFlow: {text}")

    def add(self, steps: Iterator[Any], command: Command | None = None) -> None:
        """Work for the ticks to come, after what is there already."""
        self._works.append((command, steps))

    def drop_unsent(self) -> int:
        """Give up the requests whose clip is still being read; how many."""
        unsent = [one for one in self._works if one[0] is not None]
        for one in unsent:
            self._works.remove(one)
            one[1].close()  # type: ignore[attr-defined]
            if one[0] is not None:
                commands.answer(self.spool, one[0], False, "it was cancelled")
        return len(unsent)

    def _tick(self) -> None:
        deadline = time.perf_counter() + BUDGET_S
        self._commands.extend(commands.collect(self.spool, self.settings or {}))
        self.jobs.turn_to(self.song())
        while self._commands:
            self._obey(self._commands.popleft())
        self.watch.look()
        while self._works and self._step() and time.perf_counter() < deadline:
            pass

    def _obey(self, command: Command) -> None:
        try:
            app = self.app()
            version = (app.get_major_version(), app.get_minor_version(), app.get_bugfix_version())
            if version < OLDEST:
                raise Trouble("Live 12.0.5 or newer is needed")
            message = work.begin(self, command)
        except Trouble as trouble:
            self.tell(str(trouble))
            commands.answer(self.spool, command, False, str(trouble))
        except Exception as error:
            commands.answer(self.spool, command, False, self._fault(error))
        else:
            if message:
                commands.answer(self.spool, command, True, message)

    def _step(self) -> bool:
        """One step of the oldest work, whether there is more to do; what goes wrong ends that work alone."""
        command, steps = self._works[0]
        try:
            return bool(next(steps) != WAIT)
        except StopIteration as end:
            self._works.popleft()
            if command is not None:
                commands.answer(self.spool, command, True, str(end.value or "done"))
        except Exception as error:
            self._works.popleft()
            if isinstance(error, Trouble):
                sentence = str(error)
                self.tell(sentence)
            else:
                sentence = self._fault(error)
            if command is not None:
                commands.answer(self.spool, command, False, sentence)
        return True

    def _fault(self, error: Exception) -> str:
        """What nobody expected, in a sentence; told once, as it may come ten times a second."""
        reason = error.strerror or str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        sentence = f"that did not work ({reason})"
        try:
            if self._said != f"HarmonicFlow: {sentence}":
                self.tell(sentence)
        except Exception:  # noqa: S110 - Live itself is going down
            pass
        return sentence
