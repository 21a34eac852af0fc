"""The mix of the sky that is shipped: how many objects of each class, by r and |b|.

Counted in the truth of the synthetic sky by `design/sky_mix.py`, which makes the file anew and says
what is left out. Purity on a spectroscopic sample says little of the sky (classification.md: Gaia's
quasars, 22 % pure at the true mix); at this mix it says something.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.catalog.classes import BRANCHES, Class
from skyquarry.errors import UserError
from skyquarry.learn.scores import SkyMix

if TYPE_CHECKING:
    from collections.abc import Sequence

_BANDS: Final = ("r", "G")
"""of a model's magnitude: bands that are as bright as r within a few tenths"""
_ALSO: Final = {
    Class.GALAXY.label: ("gal",),
    Class.QUASAR.label: ("qso",),
    Class.WHITE_DWARF.label: ("wd", "white dwarf"),
    Class.MAIN_SEQUENCE.label: ("dwarf",),
    "star": (),
    "extragalactic": (),
}
"""words of other label sets, for classes and branches"""


@cache
def told() -> dict[str, Any]:
    """The file: edges, objects a square degree, and how it was made."""
    text = (resources.files("skyquarry.learn") / "data" / "sky_mix.json").read_text("utf-8")
    return dict(json.loads(text))


def sky_mix(classes: Sequence[str]) -> SkyMix:
    """The sky's mix of these classes beyond 10 degrees of the Galactic plane, to r = 23.

    Classes are the eight, by their names or by those of SDSS; `star` is every star that has no
    class of its own, variable ones too, and `extragalactic` likewise. Counts are of the whole zone
    of each latitude. Raises UserError for a class that is none of these.

    >>> sky_mix(["GALAXY", "QSO", "STAR"]).counts.sum(axis=(0, 1)).round(-6).astype(int).tolist()
    [588000000, 8000000, 1167000000]
    """
    own = told()
    known, names = list(own["classes"]), [name.lower() for name in classes]
    goes = {each: _home(each, names) for each in known}
    empty = [name for place, name in enumerate(classes) if place not in goes.values()]
    if empty:
        raise UserError(
            f"class {empty[0]!r} has no place in the mix of the sky, which knows "
            f"{', '.join(known)} and star: give a mix of your own (learn.scores.SkyMix)"
        )
    density = np.array(own["counts_deg2"])
    latitudes = np.array(own["latitude_edges"])
    area = 2.0 * 2.0 * np.pi * np.diff(np.sin(np.radians(latitudes))) * np.degrees(1.0) ** 2
    counts = np.zeros((*density.shape[:2], len(classes)))
    for number, each in enumerate(known):
        place = goes[each]
        if place is not None:
            counts[:, :, place] += density[:, :, number] * area
    return SkyMix(
        counts, tuple(own["magnitude_edges"]), tuple(own["latitude_edges"]),
        name="the synthetic sky beyond 10 degrees of the Galactic plane",
    )  # fmt: skip


def check_band(name: str | None) -> None:
    """Raises UserError where a model's magnitude is not one that the mix is told by."""
    if name is None or name.rpartition("_")[2] not in _BANDS:
        raise UserError(
            f"the model's magnitude is {name}, but the mix of the sky is told by r (or G): train "
            "with that magnitude among the features, or give a mix of your own"
        )


def _home(label: str, names: Sequence[str]) -> int | None:
    """Which of the classes an object of one of the eight counts to; None: to none."""
    tries = [label]
    if label in {each.label for each in BRANCHES["star"]} | {Class.TRANSIENT.label}:
        tries.append("star")
    if label in {each.label for each in BRANCHES["extragalactic"]}:
        tries.append("extragalactic")
    for each in tries:
        for word in (each, *_ALSO.get(each, ())):
            if word in names:
                return names.index(word)
    return None
