"""Judges of performed sound: they learn from true audio alone what belongs together, and must rank controls first."""

from .judge import judge
from .options import JUDGES, JudgeOptions

__all__ = ["JUDGES", "JudgeOptions", "judge"]
