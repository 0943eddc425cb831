"""Where a take lies in its song: beats from the first bar on, tempo and meter and where they change. All exact."""

from dataclasses import dataclass
from fractions import Fraction

from harmonicflow.core.tempo import Meter, Selection


@dataclass(frozen=True)
class Timeline:
    """The song around a take. Beats are quarter notes and count from the line of bar 1.

    A tempo holds until the next one: what was a ramp in the DAW is as many steps as the bridge has sent.
    """

    start: Fraction  # the beat of the take's first frame
    tempos: tuple[tuple[Fraction, Fraction], ...]  # (beat, BPM), the first at 0
    meters: tuple[tuple[Fraction, Meter], ...]  # (beat, meter), the first at 0

    @classmethod
    def of(cls, selection: Selection) -> "Timeline":
        """The song of a selection. One that begins before bar 1 is moved on by whole bars."""
        meters = selection.meters
        before = min(meters.bar_start(meters.bar_at(selection.start_beat)), Fraction(0))
        start = selection.start_beat - before
        origin = start - selection.tempo.beat_at(selection.start_frame)
        beats = [Fraction(0), *(beat + origin for beat, _ in selection.tempo.anchors if beat + origin > 0)]
        tempos: list[tuple[Fraction, Fraction]] = []
        for beat in beats:
            bpm = selection.bpm_at_beat(beat - start)
            if not tempos or tempos[-1][1] != bpm:
                tempos.append((beat, bpm))
        changes = [(meters.bar_start(bar) - before, meter) for bar, meter in meters.changes]
        return cls(start, tuple(tempos), ((Fraction(0), changes[0][1]), *changes[1:]))

    def tempos_to(self, end: Fraction) -> list[tuple[Fraction, Fraction]]:
        """The tempos that hold before a beat."""
        return [each for each in self.tempos if each[0] < end]

    def meters_to(self, end: Fraction) -> list[tuple[Fraction, Meter]]:
        """The meters that hold before a beat."""
        return [each for each in self.meters if each[0] < end]

    def place(self, beat: Fraction) -> tuple[int, Fraction]:
        """A beat as people count: the bar, and the place in it in the meter's own beats, both from 1."""
        bar = 1
        for number, (begin, meter) in enumerate(self.meters):
            end = self.meters[number + 1][0] if number + 1 < len(self.meters) else None
            if end is None or beat < end:
                whole, rest = divmod(beat - begin, meter.beats)
                return bar + int(whole), rest * meter.denominator / 4 + 1
            bar += int((end - begin) / meter.beats)
        raise AssertionError("the last meter holds for ever")


def steady_bpm(selection: Selection) -> Fraction | None:
    """The tempo of a selection in which it never changes, else None."""
    return None if _changes(selection) else selection.bpm_at_beat(0)


def warps(selection: Selection) -> tuple[tuple[Fraction, Fraction], ...]:
    """Beats of a selection and where they are in its sound, in seconds: its ends, and wherever the tempo changes."""
    end = selection.beat_at_frame(selection.frames)
    beats = [Fraction(0), *(beat for beat in _changes(selection) if beat < end), end]
    return tuple((beat, selection.frame_at_beat(beat) / selection.rate) for beat in beats)


def _changes(selection: Selection) -> list[Fraction]:
    """The beats inside a selection at which its tempo changes."""
    found, bpm = [], selection.bpm_at_beat(0)
    for _, frame in selection.tempo.anchors:
        beat = selection.beat_at_frame(frame - selection.start_frame)
        if 0 < beat < selection.beats and selection.bpm_at_beat(beat) != bpm:
            found.append(beat)
            bpm = selection.bpm_at_beat(beat)
    return found
