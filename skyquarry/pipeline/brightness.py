"""Which magnitude tells how bright an object of a model is; where it lies in the Galaxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.learn.model import Model
    from skyquarry.learn.scores import SkyMix

    Floats = NDArray[np.float64]

BANDS: Final = ("r", "G", "g", "i", "z", "J", "W1", "u")
"""of any survey, the first that the model has"""


def magnitude_name(names: Sequence[str], units: Sequence[str]) -> str | None:
    """The feature that is the magnitude to bin by: r before G, g, i ...; None where there is none.

    >>> magnitude_name(["sdss_u-g", "sdss_g", "sdss_r"], ["mag"] * 3)
    'sdss_r'
    """
    told = [name for name, unit in zip(names, units, strict=False) if unit in ("mag", "")]
    found = {name.rpartition("_")[2]: name for name in reversed(told)}
    return next((found[band] for band in BANDS if band in found), None)


def magnitudes_among(names: Sequence[str], units: Sequence[str]) -> list[int]:
    """Places of the features that are magnitudes of a survey: no colours, no reduced motions.

    >>> magnitudes_among(["sdss_u-g", "sdss_r", "gaia_reduced_pm_sdss_g", "ebv"], ["mag"] * 4)
    [1]
    """
    from skyquarry.features.colours import MAGNITUDE
    from skyquarry.features.registry import template_of

    return [
        at
        for at, (name, unit) in enumerate(zip(names, units, strict=True))
        if unit == "mag" and template_of(name) is MAGNITUDE
    ]


def latitude_deg(ra_deg: Floats, dec_deg: Floats) -> Floats:
    """(n,) Galactic latitude; NaN where the position is unknown."""
    from skyquarry.sky.frames import to_frame
    from skyquarry.sky.vectors import to_radec, to_xyz

    known = np.isfinite(ra_deg) & np.isfinite(dec_deg)
    b = np.full(len(ra_deg), np.nan)
    b[known] = to_radec(to_frame(to_xyz(ra_deg[known], dec_deg[known]), "galactic"))[1]
    return b


def merged_of(classes: Sequence[str]) -> dict[str, str] | None:
    """The eight classes as star, galaxy, quasar (a changing light is a star's); None for others."""
    from skyquarry.catalog.classes import BRANCHES, Class

    told: dict[str, str] = {each.label: "star" for each in (*BRANCHES["star"], Class.TRANSIENT)}
    told |= {Class.GALAXY.label: "galaxy", Class.GALAXY_CLUSTER.label: "galaxy"}
    told |= {Class.QUASAR.label: "quasar"}
    inside = set(classes) <= set(told) and len({told[name] for name in classes}) < len(classes)
    return {name: told[name] for name in classes} if inside else None


def whole_magnitudes(magnitude: Any) -> list[float]:
    """Whole magnitudes around all but the outermost of (n,), rising; none where none is known."""
    known = np.asarray(magnitude, np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return []
    low, high = np.floor(np.percentile(known, [0.5, 99.5]))
    told: list[float] = np.arange(low, high + 2).tolist()
    return told


def priors_by_magnitude(
    labels: Any, kinds: int, magnitude: Floats, weights: Floats
) -> dict[str, Any]:
    """The training mix in whole magnitudes, as `Priors.to_json` has it, to be brought to others."""
    from skyquarry.learn import priors

    edges = whole_magnitudes(magnitude)
    if not edges:
        return priors.of_labels(labels, kinds, weights=weights).to_json()
    return priors.of_labels(
        labels, kinds, magnitude=magnitude, magnitude_edges=edges, weights=weights
    ).to_json()


def mix_of(mix: SkyMix | Literal["sky"] | None, model: Model) -> SkyMix | None:
    """A mix as given; "sky": the one that is shipped, for the model's classes.

    Raises UserError for what is no mix, or one of another number of classes.
    """
    from skyquarry.errors import UserError, one_of
    from skyquarry.learn.scores import SkyMix
    from skyquarry.learn.skymix import check_band, sky_mix

    if isinstance(mix, SkyMix) and mix.counts.shape[2] != len(model.classes):
        raise UserError(
            f"mix counts {mix.counts.shape[2]} classes, but the model knows "
            f"{', '.join(model.classes)}: give one number a class, in this order"
        )
    if mix is None or isinstance(mix, SkyMix):
        return mix
    if not isinstance(mix, str):
        raise UserError(
            f"mix is {mix!r}, but 'sky', a SkyMix of skyquarry.learn.scores, or None is needed"
        )

    one_of("mix", mix, ("sky",))
    check_band(magnitude_name(model.features, model.units))
    return sky_mix(model.classes)


def at_mix(model: Model, p: Floats, magnitude: Floats | None, mix: SkyMix) -> tuple[Floats, bool]:
    """(n, K) probabilities at a sky's mix, and whether both priors hang on the same variables.

    A model keeps its training mix by magnitude; a mix by latitude too is summed over latitudes, as
    the model's features do not know where they are.
    """
    from skyquarry.learn import priors

    counts = mix.counts.sum(axis=1, keepdims=True)
    told = model.told.get("priors_by")
    if not mix.magnitude_edges or told is None or not told["magnitudes"]:
        total = counts.sum(axis=(0, 1))
        old = priors.constant(model.priors.tolist())
        return priors.reprior(p, old, priors.constant(total.tolist())), bool(
            not mix.magnitude_edges
        )
    edges = np.array(mix.magnitude_edges)
    there = counts.sum(axis=(1, 2)) > 0
    middle = (0.5 * (edges[:-1] + edges[1:]))[there]
    new = priors.of_counts(counts[there], middle.tolist())
    train = priors.Priors.from_json(told)
    return priors.reprior(p, train, new, magnitude=magnitude), True
