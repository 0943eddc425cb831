"""How much sound a request is about, in seconds. `parent` is the take that is edited or extended, if it is there."""

from fractions import Fraction

from harmonicflow.core.constants import MIN_BPM
from harmonicflow.core.messages import Extend, Generate, TakeSummary, WorkRequest

from .job_folders import sound_specs


def at_once_s(request: WorkRequest, parent: TakeSummary | None) -> float:
    """What the engine may have to look at or to make without a word in between; rather too much than too little."""
    given_s = max((sound.frames / sound.rate for sound in sound_specs(request)), default=0.0)
    if isinstance(request, Generate) or parent is None:
        return max(made_s(request, parent), given_s)
    more_s = made_s(request, parent) if isinstance(request, Extend) else 0.0
    return max(parent.seconds + more_s, given_s)


def made_s(request: WorkRequest, parent: TakeSummary | None) -> float:
    """The new sound of one take."""
    if isinstance(request, Generate):
        spec = request.selection
        return (spec.end_frame - spec.start_frame) / spec.rate
    if isinstance(request, Extend):
        return _added_s(request, parent)
    if parent is None:
        return 0.0
    if request.frames is not None:
        return (request.frames[1] - request.frames[0]) / max(parent.rate, 1)
    bars = (request.to_bar or 0) - (request.from_bar or 0) + 1
    return max(bars, 0) * parent.seconds / max(parent.bars, 1)


def _added_s(request: Extend, parent: TakeSummary | None) -> float:
    """What an extension adds: bars as long as the parent's, beats as slow as they come."""
    if request.seconds is not None:
        return request.seconds
    if request.beats is not None:
        return float(Fraction(request.beats)) * 60 / MIN_BPM
    return (request.bars or 0) * parent.seconds / max(parent.bars, 1) if parent else 0.0
