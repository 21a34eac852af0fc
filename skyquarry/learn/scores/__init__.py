"""How good a classification is, at a declared mix, with errors by cells of the sky."""

from __future__ import annotations

from skyquarry.learn.scores.evaluation import Evaluation, evaluate
from skyquarry.learn.scores.mixes import SkyMix
from skyquarry.learn.scores.rivals import Cut, against_cuts, compare

__all__ = ["Cut", "Evaluation", "SkyMix", "against_cuts", "compare", "evaluate"]
