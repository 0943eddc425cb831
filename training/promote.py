"""Promotion: a bundle takes the place of another only if the scoreboard says that it plays better.

Both are evaluated on the same songs of the validation split, with the same seed. The candidate must

- be whole: hashes right, every network made for the bundle's one latent space (`Bundle.load` refuses otherwise);
- follow its score: beat its own shuffled and shifted controls;
- be better than the current bundle on the mean share of the truth's scores, and lose little in any single one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.card import card_text

from .evaluate import EvaluateOptions, evaluate
from .scoreboard import ALL, SHARED, summary

LARGEST_LOSS: Final = 0.05  # of any one share of the truth's score, for a bundle that is better on the whole
LEAST_LEAD: Final = 0.03  # of the performed stems over their controls, in shares of the truth's score
MUST_BEAT: Final = {  # metric -> the controls that the performed stems must beat
    "onset_f1_20": ("shifted", "shuffled"),
    "pitch_f1": ("shuffled",),
    "chord": ("shuffled",),
}


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate is better, why, and both scoreboards (current: None where there was no bundle)."""

    better: bool
    reason: str
    candidate: dict[str, Any]
    current: dict[str, Any] | None


def promote(
    candidate: str | Path,
    current: str | Path,
    corpus: str | Path,
    options: EvaluateOptions | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Verdict:
    """Evaluate both bundles and put the candidate in the place of the current one, its scores in its card.

    An empty or missing `current` only asks that the candidate follows its score. Raises `not_promoted` with the
    reason, and whatever `evaluate` raises; the current bundle then stays as it is.
    """
    options = replace(options or EvaluateOptions(), split="validation")
    candidate, current = Path(candidate), Path(current)
    new = evaluate(candidate, corpus, options, report)
    old = evaluate(current, corpus, options, report) if (current / "model.json").is_file() else None
    verdict = compare(new, old)
    if not verdict.better:
        raise HarmonicFlowError("not_promoted", path=candidate, reason=verdict.reason)
    install(candidate, current, summary(new))
    return verdict


def compare(candidate: dict[str, Any], current: dict[str, Any] | None) -> Verdict:
    """The verdict on two scoreboards of the same songs; metrics that cannot rank their ladder are left out."""
    metrics = [metric for metric in SHARED if candidate["valid"].get(metric)]
    own = {metric: _share(candidate, "performed", metric) for metric in metrics}
    for metric, controls in MUST_BEAT.items():
        for control in controls if metric in metrics else ():
            if own[metric] < _share(candidate, control, metric) + LEAST_LEAD:
                reason = f"its {metric} is {own[metric]:.0%} of the truth's, no better than {control} stems'"
                return Verdict(False, reason, candidate, current)
    if not metrics:
        return Verdict(False, "no metric can rank its ladder on these songs", candidate, current)
    if current is None:
        return Verdict(True, "there is no current bundle", candidate, None)
    if _songs(candidate) != _songs(current):
        return Verdict(False, "the two scoreboards are of different songs", candidate, current)
    metrics = [metric for metric in metrics if current["valid"].get(metric)]
    old = {metric: _share(current, "performed", metric) for metric in metrics}
    for metric in metrics:
        if own[metric] < old[metric] - LARGEST_LOSS:
            reason = f"its {metric} fell from {old[metric]:.1%} to {own[metric]:.1%} of the truth's"
            return Verdict(False, reason, candidate, current)
    means = [sum(found[metric] for metric in metrics) / max(1, len(metrics)) for found in (old, own)]
    reason = f"its mean share of the truth's scores is {means[1]:.1%}, the current one's {means[0]:.1%}"
    return Verdict(means[1] > means[0], reason, candidate, current)


def _share(board: dict[str, Any], row: str, metric: str) -> float:
    return float(board["shares"].get(row, {}).get(metric, {}).get(ALL, 0.0))


def _songs(board: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(board["about"].get(key) for key in ("split", "songs", "seconds", "seed"))


def install(candidate: Path, current: Path, scores: dict[str, Any]) -> None:
    """Copy a bundle over another, its `scores` written into model.json.

    The copy is checked before the old folder is moved aside, so a failure at any point leaves one whole bundle.
    """
    current.parent.mkdir(parents=True, exist_ok=True)
    fresh = current.parent / f".{current.name}.new"
    aside = current.parent / f".{current.name}.old"
    for folder in (fresh, aside):
        if folder.exists():
            shutil.rmtree(folder)
    bundle = Bundle.load(candidate)
    fresh.mkdir()
    for row in bundle.card.files.values():
        shutil.copyfile(candidate / row.file, fresh / row.file)
    card = json.loads((candidate / "model.json").read_text(encoding="utf-8"))
    card["scores"] = scores
    card["card"] = card_text(card)
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    (fresh / "model.json").write_text(text, encoding="utf-8")
    Bundle.load(fresh)
    if current.exists():
        os.replace(current, aside)
    os.replace(fresh, current)
    if aside.exists():
        shutil.rmtree(aside)
