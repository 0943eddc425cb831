"""Promotion: a bundle takes the place of another only if it measures better on the validation split.

Both are evaluated on the same songs with the same seed. The candidate must

- be whole: hashes right, every network made for the bundle's one latent space (`Bundle.load` refuses otherwise), and
  its networks not the very ones that stand;
- follow its score: beat its own shuffled and shifted controls;
- lose little in any single share of the truth's scores, and, where its codec is another one, little in any metric of
  the codec's ladder;
- be better: on the mean share of the truth's scores, or, where that falls no more than a hair, in the codec's ladder.

A composer or an analyst that is another one, or a new one, is judged by itself (`promote_parts`); where nothing else
differs that decides.

A current bundle whose performer reads the score or guide of another release cannot play any more: the scores in its
card, of the same songs, stand for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from harmonicflow.analysis.guide import GUIDE_V
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.paths import put_back
from harmonicflow.engine.bundle import OPTIONAL_GRAPHS, TEXT, Bundle
from harmonicflow.engine.card import card_text, codec_summary
from harmonicflow.engine.publish import write_bundle
from harmonicflow.score.rolls import SCORE_V

from .evaluate import EvaluateOptions, evaluate
from .scoreboard import ALL, SHARED, summary

LARGEST_LOSS: Final = 0.05  # of any one share of the truth's score, for a bundle that is better on the whole
LARGEST_MEAN_LOSS: Final = 0.02  # of the mean share, for a bundle whose codec is better
LEAST_LEAD: Final = 0.03  # of the performed stems over their controls, in shares of the truth's score
MUST_BEAT: Final = {  # metric -> the controls that the performed stems must beat
    "onset_f1_20": ("shifted", "shuffled"),
    "pitch_f1": ("shuffled",),
    "chord": ("shuffled",),
}
CODEC_METRICS: Final = {  # of the ladder -> +1 where more is better, how much may be lost, how much is a gain
    "si_sdr_db": (1, 1.0, 0.2),
    "complex_stft": (-1, 0.03, 0.01),
    "onset_f1_50": (1, 0.02, 0.01),
    "chroma": (1, 0.01, 0.003),
    "log_mel_l1_db": (-1, 0.2, 0.05),
}
CODEC_SECONDS: Final = 10.0  # of each song
UNROLLED: Final = "unrolled"  # made from the performer

Report = Callable[[str], None]


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate is better, why, both scoreboards (current: None where there was no bundle), the ladder."""

    better: bool
    reason: str
    candidate: dict[str, Any]
    current: dict[str, Any] | None
    codec: dict[str, Any] | None = None  # candidate as "codec", current as "previous"; None where the codec is the same


def promote(
    candidate: str | Path,
    current: str | Path,
    corpus: str | Path,
    options: EvaluateOptions | None = None,
    report: Report = lambda line: None,
) -> Verdict:
    """Evaluate both bundles and put the candidate in the place of the current one, its scores in its card.

    An empty or missing `current` only asks that the candidate follows its score. Raises `not_promoted` with the
    reason, and whatever `evaluate` raises; the current bundle then stays as it is.
    """
    options = replace(options or EvaluateOptions(), split="validation")
    candidate, current = Path(candidate), Path(current)
    put_back(current)
    new = Bundle.load(candidate)
    old = Bundle.load(current, any_layout=True) if (current / "model.json").is_file() else None
    ladder, gain = None, ""
    if old is not None:
        changed = changes(new, old)
        if not changed:
            raise _refused(candidate, f"it holds the very networks of {current}")
        gains = _parts(new, old, changed, Path(corpus), options, report)
        if changed <= set(OPTIONAL_GRAPHS):
            return _parts_alone(candidate, current, "; ".join(gains))
        if changed & {"encoder", "decoder"}:
            report("the codec is another one: its ladder first")
            ladder = codec_ladder(candidate, current, Path(corpus), options, report)
            loss, gain = compare_codecs(ladder)
            if loss or not (gain or "performer" in changed):
                raise _refused(candidate, loss or "its codec is better in nothing")
    board = evaluate(candidate, corpus, options, report)
    verdict = compare(board, _current_board(old, corpus, options, report), gain)
    if not verdict.better:
        raise _refused(candidate, verdict.reason)
    install(candidate, current, summary(board), codec_summary(ladder) if ladder else None)
    return replace(verdict, codec=ladder)


def _parts(
    new: Bundle, old: Bundle, changed: set[str], corpus: Path, options: EvaluateOptions, report: Report
) -> list[str]:
    """What speaks for the composer and the analyst that changed. Raises `not_promoted` for one that is no better."""
    from .promote_parts import analyst_verdict, composer_verdict

    gains = []
    for name in sorted(changed & set(OPTIONAL_GRAPHS)):
        if not new.has(name):
            raise _refused(new.path, f"it has no {name}, and the current bundle has one")
        if name == "composer":
            refused, gain = composer_verdict(new, old, corpus, options.seed, report)
        else:
            refused, gain = analyst_verdict(new, old, corpus, max(2, options.songs // 4), report)
        if refused:
            raise _refused(new.path, refused)
        gains.append(gain)
    return gains


def _parts_alone(candidate: Path, current: Path, reason: str) -> Verdict:
    """Install a bundle whose codec and performer are those that stand, with their scores."""
    card = json.loads((current / "model.json").read_bytes())
    install(candidate, current, card.get("scores", {}), card.get("codec", {}).get("scores"))
    return Verdict(True, reason, {}, None)


def _current_board(
    old: Bundle | None, corpus: str | Path, options: EvaluateOptions, report: Report
) -> dict[str, Any] | None:
    """The scoreboard of the bundle that stands, measured or, where this release cannot play it, from its card."""
    if old is None:
        return None
    if (old.card.guide_v, old.card.score_v) == (GUIDE_V, SCORE_V):
        return evaluate(old.path, corpus, options, report)
    report("the current bundle is of another layout: the scores in its card stand for it")
    told = old.card.scores
    if not {"about", "valid", "shares"} <= set(told):
        return None
    shares = {row: {metric: {ALL: value} for metric, value in told["shares"][row].items()} for row in told["shares"]}
    return {"about": told["about"], "valid": told["valid"], "shares": shares}


def _refused(candidate: Path, reason: str) -> HarmonicFlowError:
    return HarmonicFlowError("not_promoted", path=candidate, reason=reason)


def changes(new: Bundle, old: Bundle) -> set[str]:
    """The networks of two bundles that differ. Raises `latent_mismatch` for an old performer with a new encoder.

    Its card may say that it fits: the bundle that stands knows what that performer was trained on.
    """
    def sha256(bundle: Bundle, name: str) -> str:
        return bundle.card.files[name].sha256.lower() if name in bundle.card.files else ""

    names = (new.card.files.keys() | old.card.files.keys()) - {TEXT, UNROLLED}
    found = {name for name in names if sha256(new, name) != sha256(old, name)}
    if "encoder" in found and "performer" not in found and new.card.latent_space != old.card.latent_space:
        spaces = f"trained on {old.card.latent_space}, its codec makes {new.card.latent_space}"
        reason = f"the performer of {new.path} is the one of {old.path}, {spaces}"
        raise HarmonicFlowError("latent_mismatch", reason=reason, hint="Train the performer on with the new codec")
    return found


# ------------------------------------------------------------------------------------------------------------ the codec


def codec_ladder(
    candidate: Path, current: Path, corpus: Path, options: EvaluateOptions, report: Report
) -> dict[str, Any]:
    """The ladder's board with the candidate's codec as "codec" and the current one's as "previous"."""
    from .ladder import LadderOptions, climb

    asked = LadderOptions(
        split=options.split, songs=options.songs, seconds=min(options.seconds, CODEC_SECONDS), seed=options.seed,
        threads=options.threads, griffin_lim_songs=0,
    )  # fmt: skip
    return climb(candidate, corpus, asked, previous_dir=current, report=report).board


def compare_codecs(board: dict[str, Any]) -> tuple[str, str]:
    """What the new codec loses beyond the margin, and what it gains; means over the instruments, "" for nothing.

    Instruments where a metric cannot rank its ladder are left out.
    """
    losses, gains = [], []
    asked = 0
    for metric, (better, most, least) in CODEC_METRICS.items():
        rows = [
            row for sound, row in board["scores"].get(metric, {}).items()
            if sound in INSTRUMENTS and {"codec", "previous"} <= set(row) and board["ranks"][metric].get(sound)
        ]  # fmt: skip
        if not rows:
            continue
        asked += 1
        new, old = (sum(row[rung] for row in rows) / len(rows) for rung in ("codec", "previous"))
        gain = better * (new - old)
        if gain < -most:
            losses.append(f"its codec's {metric} is {new:.3g}, the current one's {old:.3g}")
        elif gain >= least:
            gains.append(f"its codec's {metric} is {new:.3g}, the current one's {old:.3g}")
    if not asked:
        losses.append("no metric can rank the codec's ladder on these songs")
    return "; ".join(losses), "; ".join(gains)


# -------------------------------------------------------------------------------------------------------- the performer


def compare(candidate: dict[str, Any], current: dict[str, Any] | None, codec_gain: str = "") -> Verdict:
    """The verdict on two scoreboards of the same songs; metrics that cannot rank their ladder are left out.

    With a better codec, which `codec_gain` then says, the performed stems need not be better too.
    """
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
    least = means[0] - LARGEST_MEAN_LOSS if codec_gain else means[0]
    better = means[1] > least
    return Verdict(better, f"{reason}; {codec_gain}" if better and codec_gain else reason, candidate, current)


def _share(board: dict[str, Any], row: str, metric: str) -> float:
    return float(board["shares"].get(row, {}).get(metric, {}).get(ALL, 0.0))


def _songs(board: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(board["about"].get(key) for key in ("split", "songs", "seconds", "seed", "sounds"))


# -------------------------------------------------------------------------------------------------------- the replacing


def install(
    candidate: Path,
    current: Path,
    scores: dict[str, Any],
    codec_scores: dict[str, Any] | None = None,
    system: ModuleType = os,
) -> None:
    """Put a copy of a bundle, with its scores in model.json, in the place of another: one of them is always whole.

    Codec scores that its card has already, of the test split, are kept. Raises `bad_bundle` or `latent_mismatch` for a
    candidate that the engine would refuse, `disk`.
    """
    bundle = Bundle.load(candidate)
    files = {row.file: (candidate / row.file).read_bytes() for row in bundle.card.files.values()}
    card = json.loads((candidate / "model.json").read_bytes())
    card["scores"] = scores
    if codec_scores:
        card["codec"].setdefault("scores", codec_scores)
    card["card"] = card_text(card)
    write_bundle(current, card, files, system=system)
