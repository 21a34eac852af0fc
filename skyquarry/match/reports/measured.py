"""The measured side of a reliability table: how many candidates are true, whatever they say.

In a bin of probability, of C candidates R are *rivals*: not accepted, while another candidate of
one of the two rows is. By chance, strangers tell (`strangers.py`), F_R rivals and F_N others are
there. What is not there by chance is true, or belongs to the object without being its counterpart:
the other star of a blend is as near as the one that was chosen. At most one of them is it, so that
no more rivals can be true than accepted pairs are false:

    true = max(C - R - F_N, 0) + min(max(R - F_R, 0), sum over rivals of 1 - P(accepted))

Which star of a blend it is no shifted sky can tell. Strangers tell how many rows with a counterpart
lose it to chance, which makes as many rivals true; where more rivals than these are not by chance,
the others are blends: as many accepted pairs as theirs are true are taken for false, by what they
say, and all that hangs on it is added to the error of a bin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.reports.shifted import ShiftedSky
    from skyquarry.match.reports.strangers import Strangers
    from skyquarry.match.reports.tally import RowTally

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

UNSURE: Final = 0.2
"""A share of true candidates with a larger standard error is not told."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The share of true candidates."""

    share: Floats
    """(p bins,)"""
    error: Floats
    """(p bins,) standard error"""

    def of_bin(self, n: int) -> tuple[float | None, float | None]:
        """The share and its error; None where too few candidates or strangers leave it unsure."""
        if not self.error[n] <= UNSURE:
            return None, None
        return float(self.share[n]), float(self.error[n])


def measured(
    candidates: Ints, rows: RowTally, sky: ShiftedSky | None, strangers: Strangers | None
) -> Measured | None:
    """Of the candidates (p bins,) of two catalogues; None where nothing was measured.

    `rows`: the tally of the left one. A row without counterpart finds what a stranger does that
    was moved alone, a row with one what a stranger does that brought its own; how many rows of both
    kinds there are, the shifted sky tells. Without `strangers.home` no candidate has a rival.
    """
    if sky is None or not sky.rows or strangers is None or not strangers.rows:
        return None
    count = np.maximum(candidates, 1).astype(np.float64)
    chance, by_rivals, error, lost = _by_chance(rows, sky, strangers)
    rivals, possible, threatened, unsure = _rivals(count, strangers)
    near = np.maximum(rivals - by_rivals, 0.0)
    blends = max(1.0 - (lost + 3.0 * np.sqrt(near.sum() + 1.0)) / max(near.sum(), 1.0), 0.0)
    others = candidates - rivals - (chance - by_rivals) - blends * threatened
    true = np.maximum(others, 0.0) + np.minimum(near, possible)
    share = np.clip(true / count, 0.0, 1.0)
    scatter = np.sqrt((1.0 - share) / count)  # of the false ones that the run happens to have
    error = np.sqrt((error / count) ** 2 + unsure**2 + scatter**2)
    return Measured(share, error + blends * (possible + threatened) / count)


def _by_chance(
    rows: RowTally, sky: ShiftedSky, strangers: Strangers
) -> tuple[Floats, Floats, Floats, float]:
    """(p bins,) candidates by chance, those of them that are rivals, the error of the former.

    And how many rows with a counterpart lose it to chance. The error is not 0 where no stranger
    found any: one more would not have been a wonder.
    """
    lonely = max(1.0 - sky.with_counterpart / sky.rows, 0.0)
    seen = int(rows.reasons[:3].sum())
    found, lost = np.zeros((3, len(strangers.candidates))), 0.0
    for share, which in ((lonely, strangers), (1.0 - lonely, strangers.accompanied)):
        if which is not None and which.rows:
            scale = seen * share / which.rows
            found[0] += scale * which.candidates
            found[1] += scale * which.rivals
            found[2] += scale**2 * (which.candidates + 1.0)
            lost = scale * which.accepted if which is strangers.accompanied else 0.0
    return found[0], found[1], np.sqrt(found[2]), lost


def _rivals(count: Floats, strangers: Strangers) -> tuple[Floats, Floats, Floats, Floats]:
    """(p bins,) candidates that have an accepted rival, and how many of these can be true.

    How many accepted ones can be false for a rival's sake. And the error of the share of the
    first, for they are counted among a sample of the rows.
    """
    home = strangers.home
    if home is None:
        none = np.zeros(len(count))
        return none, none, none, none
    looked = np.maximum(home.candidates, 1)
    share = home.rivals / looked
    missed = np.clip(1.0 / looked - 1.0 / count, 0.0, None)
    unsure = np.where(home.candidates > 0, np.sqrt(share * (1.0 - share) * missed), 1.0)
    scale = count / looked
    return count * share, scale * home.possible, scale * home.threatened, unsure
