"""One stem is played anew to the other three: does the judge of coherence find that it belongs to them?

Rows, each scored beside the true other stems: the true stem, its codec's copy, the stem played from its score to the
others, the same without being told its score, the true stem half a sixteenth late, stems of other songs.
"""

from collections import defaultdict
from itertools import product
from typing import Any, Final

import numpy as np

from ..excerpts import Excerpt
from ..hearing import asked_stems
from ..rows import Sounds, another, late
from .coherence import WINDOW, Coherence, Pair
from .features import Picture, picture
from .options import Verdict
from .player import Player
from .ranks import auc
from .tower import Report, sounds

ROWS: Final = ("truth", "codec", "performed", "unscored", "shifted", "shuffled", "performed_shuffled")
LEAST_AUC: Final = 0.8  # of true pairs against shuffled ones, for the judge to be believed
SHARE: Final = 0.9
GATE: Final = "the mean score with a performed stem is at least 0.9 of the truth's, and above a shuffled stem's"
HOP: Final = WINDOW // 2

Scores = dict[str, dict[str, list[float]]]  # row -> stem -> one mean a pair of stems


def coherence_trial(
    judge: Coherence, checked: dict[str, float], player: Player, excerpts: list[Excerpt], report: Report
) -> Verdict:
    """The verdict on one stem regenerated at a time; `checked`: the judge's own areas on validation songs."""
    rows = sounds_by_row(player, excerpts, report)
    scores: Scores = {row: defaultdict(list) for row in ROWS}
    for number, excerpt in enumerate(excerpts):
        asked = asked_stems(excerpt, player.stems)
        true = {stem: picture(rows["truth"][number][stem]) for stem in asked}
        for stem, row in product(asked, ROWS):
            sound = rows[row][number].get(stem)
            if sound is not None and len(asked) > 1:
                heard = picture(sound)
                for other in asked:
                    if other != stem and (found := judge.scores(pairs(stem, heard, other, true[other]))):
                        scores[row][stem].append(float(np.mean(found)))
        report(f"coherence: judged {number + 1} of {len(excerpts)}")
    return verdict(scores, checked)


def sounds_by_row(player: Player, excerpts: list[Excerpt], report: Report) -> dict[str, list[Sounds]]:
    """Every row's sounds of every excerpt; where a stem is not asked about there is none."""
    rows: dict[str, list[Sounds]] = {row: [] for row in ROWS}
    for number, excerpt in enumerate(excerpts):
        truth = {stem: excerpt.truth(stem) for stem in player.stems}
        latents = player.encode(truth)
        made: dict[str, dict[str, Any]] = {"performed": {}, "unscored": {}}
        for stem in asked_stems(excerpt, player.stems):
            known = {other: latents[other] for other in player.stems if other != stem}
            made["performed"] |= player.play(excerpt, known)
            made["unscored"] |= player.play(excerpt, known, without_score=stem)
        rows["truth"].append(truth)
        rows["codec"].append(player.decode(latents))
        for row, played in made.items():
            rows[row].append(player.decode(played) if played else {})
        rows["shifted"].append(late(truth, excerpt.half_sixteenth_s))
        report(f"coherence: performed {number + 1} of {len(excerpts)}: {excerpt.name}")
    if len(excerpts) > 1:
        silent = [{stem: np.zeros_like(truth[stem]) for stem in player.stems} for truth in rows["truth"]]
        full = [base | made for base, made in zip(silent, rows["performed"], strict=True)]
        for row, source in (("shuffled", rows["truth"]), ("performed_shuffled", full)):
            rows[row] = [another(source, excerpts, place) for place in range(len(excerpts))]
    return rows | {row: [{}] * len(excerpts) for row in ROWS if not rows[row]}


def pairs(stem: str, heard: Picture, other: str, true: Picture) -> list[Pair]:
    """The windows in which both stems sound."""
    starts = range(0, max(1, min(heard.frames, true.frames) - WINDOW + 1), HOP)
    cut = [(heard.cut(start, WINDOW), true.cut(start, WINDOW)) for start in starts]
    return [((stem, a), (other, b)) for a, b in cut if sounds(a) and sounds(b)]


def verdict(scores: Scores, checked: dict[str, float]) -> Verdict:
    """Means by row, and what they say."""
    flat = {row: [x for values in by_stem.values() for x in values] for row, by_stem in scores.items()}
    mean = {row: float(np.mean(values)) for row, values in flat.items() if values}
    areas = {f"auc_{row}": auc(flat["truth"], flat[row]) for row in ROWS[1:] if flat["truth"] and flat[row]}
    truth, floor = mean.get("truth", 0.0), mean.get("shuffled", 0.0)
    valid = (
        areas.get("auc_shuffled", 0.0) >= LEAST_AUC
        and min(truth, mean.get("codec", 0.0)) > max(mean.get("shuffled", 1.0), mean.get("shifted", 1.0))
    )  # fmt: skip
    share = {row: mean[row] / max(truth, 1e-9) for row in ROWS[1:] if row in mean}
    over = {row: (mean[row] - floor) / max(truth - floor, 1e-9) for row in ("codec", "performed", "unscored", "shifted")
            if row in mean}  # fmt: skip
    by_stem = {stem: {row: float(np.mean(scores[row][stem])) for row in ROWS if scores[row].get(stem)}
               for stem in scores["truth"]}  # fmt: skip
    performed = mean.get("performed", 0.0)
    return Verdict(
        figures={"mean_score": mean.get("performed"), "share_of_truth": share, "share_over_shuffled": over,
                 "by_stem": by_stem, "pairs": len(flat["truth"])},
        ladder={"mean_score": mean, "auc_truth_against": areas, "validation": checked},
        valid=bool(valid),
        gate=GATE,
        met=performed >= SHARE * truth and performed > floor,
    )  # fmt: skip
