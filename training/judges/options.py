"""What the judges are asked to do, and how each answer is written down."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

JUDGES: Final = ("coherence", "timbre", "genre", "copying")


@dataclass(frozen=True)
class JudgeOptions:
    """What is judged, how much of it, and where pictures and trained judges are kept."""

    cache: Path  # made if missing
    judges: tuple[str, ...] = JUDGES
    split: str = "test"
    songs: int = 12  # whose scores are performed
    seconds: float = 12.0  # of each song
    seed: int = 0
    steps: int | None = None  # of the sampler; None: the bundle's own number
    threads: int | None = None  # of the networks; None: the machine's cores
    train_steps: int = 400  # updates of a judge that is a network
    programs: int = 16  # sounds of a stem that are told apart, at most
    scores: int = 2  # fixed scores that every sound plays
    takes: int = 2  # of each wording of a genre
    bars: int = 6  # of each take


@dataclass
class Verdict:
    """What one judge found. Without `valid`, which says that it ranks its own ladder, its figures mean nothing."""

    figures: dict[str, Any]
    ladder: dict[str, Any]  # what the judge makes of the truth, of copies, and of controls that must be worse
    valid: bool
    gate: str  # what is asked, in words
    met: bool  # whether it is, were the judge valid
    notes: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As one JSON object; `pass` needs a valid judge."""
        return {
            "figures": self.figures, "ladder": self.ladder, "valid": self.valid, "gate": self.gate,
            "pass": self.valid and self.met, "notes": self.notes,
        }  # fmt: skip
