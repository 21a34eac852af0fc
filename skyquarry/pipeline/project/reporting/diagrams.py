"""Colour-colour and colour-magnitude diagrams: which, of which features, within which limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

Floats = NDArray[np.float64]
Values = Mapping[str, Floats]
"""features (n,) by name"""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a diagram."""

    words: str
    """as it is read: u − g"""
    feature: str
    """what it shows; {o}, {w}, {g} stand for the optical, infrared and Gaia catalogue"""
    low: float
    high: float
    upward: bool = False
    """whether the small values are above: bright magnitudes"""
    made: Callable[[Values, str], Floats] | None = None
    """how it comes from features, where it is none itself"""
    needs: tuple[str, ...] = ()
    """features that `made` reads beside the axis' own"""
    unit: str = "mag"

    def of(self, values: Values) -> Floats:
        """(n,), NaN where not measured."""
        return values[self.feature] if self.made is None else self.made(values, self.feature)


@dataclass(frozen=True, slots=True)
class Diagram:
    """Two axes, and which objects stand in it."""

    title: str
    x: Axis
    y: Axis
    least: tuple[tuple[str, float], ...] = ()
    """features that have to be at least so much"""
    who: str = ""
    """the same in words"""

    @property
    def features(self) -> tuple[str, ...]:
        """All that it reads."""
        own = (self.x.feature, *self.x.needs, self.y.feature, *self.y.needs)
        return tuple(dict.fromkeys([*own, *(name for name, _ in self.least)]))

    def of(self, values: Values) -> tuple[Floats, Floats]:
        """Where it stands: x, y (n,), both NaN where the object does not stand in it."""
        x, y = self.x.of(values), self.y.of(values)
        with np.errstate(invalid="ignore"):
            good = [values[name] >= least for name, least in self.least]
        there = np.logical_and.reduce([np.isfinite(x), np.isfinite(y), *good])
        return np.where(there, x, np.nan), np.where(there, y, np.nan)


def absolute_magnitude(values: Values, name: str) -> Floats:
    """(n,) M = m + 5 log10(parallax in mas) - 10, of parallaxes freed of their zero point."""
    parallax = values[name.replace("_G", "_parallax")]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(values[name] + 5.0 * np.log10(parallax) - 10.0)


_SURVEYS: Final = {
    "{o}": ("sdss", "ps1"),
    "{w}": ("wise", "catwise"),
    "{g}": ("gaia", "gaiaedr3", "gaiadr2"),
    "{t}": ("twomass",),
}
_GOOD: Final = "errors below 0.1 mag in each band"
_UG, _GR, _RI = (
    Axis("u − g", "{o}_u-g", -0.8, 3.6),
    Axis("g − r", "{o}_g-r", -0.7, 2.2),
    Axis("r − i", "{o}_r-i", -0.6, 2.6),
)
_W: Final = Axis("W1 − W2", "{w}_W1-W2", -0.7, 2.4)
_HR: Final = Axis(
    "absolute magnitude M_G", "{g}_G", -4.0, 17.0, True, absolute_magnitude, ("{g}_parallax",)
)
USUAL: Final = (
    Diagram("u − g, g − r", _UG, _GR, (("{o}_u_snr", 5), ("{o}_g_snr", 10), ("{o}_r_snr", 10)),
            "errors below 0.1 mag in g and r, 0.2 mag in u"),
    Diagram("g − r, r − i", _GR, _RI, (("{o}_g_snr", 10), ("{o}_r_snr", 10), ("{o}_i_snr", 10)),
            _GOOD),
    Diagram("r against g − r", _GR, Axis("r", "{o}_r", 9.0, 24.0, True),
            (("{o}_g_snr", 5), ("{o}_r_snr", 5)), "errors below 0.2 mag in each band"),
    Diagram("r − W1, W1 − W2", Axis("r − W1", "{o}_r-{w}_W1", -1.0, 9.0), _W,
            (("{o}_r_snr", 10), ("{w}_W1_snr", 10), ("{w}_W2_snr", 5)),
            "errors below 0.1 mag in r and W1, 0.2 mag in W2"),
    Diagram("W1 against W1 − W2", _W, Axis("W1", "{w}_W1", 6.0, 18.5, True),
            (("{w}_W2_snr", 5),), "errors below 0.2 mag in W2"),
    Diagram("Hertzsprung–Russell diagram", Axis("BP − RP", "{g}_BP-RP", -0.9, 5.2), _HR,
            (("{g}_parallax_over_error", 5),), "parallaxes of five times their errors and more; "
            "not corrected for dust"),
    Diagram("J − H, H − Ks", Axis("H − Ks", "{t}_H-Ks", -0.4, 1.4),
            Axis("J − H", "{t}_J-H", -0.3, 1.6),
            (("{t}_J_snr", 10), ("{t}_H_snr", 10), ("{t}_Ks_snr", 10)), _GOOD),
)  # fmt: skip
BANDS: Final = ("{o}_u", "{o}_g", "{o}_r", "{o}_i", "{o}_z", "{g}_G", "{t}_J", "{t}_Ks", "{w}_W1",
                "{w}_W2")  # fmt: skip
"""Magnitudes by which an object is shown"""


def all_names() -> tuple[str, ...]:
    """Every feature that a diagram or an object's line may want, of every survey."""
    wanted = [*BANDS, *(name for each in USUAL for name in each.features)]
    return tuple(dict.fromkeys(told for name in wanted for told in _spelled(name)))


def diagrams_of(known: Iterable[str]) -> tuple[Diagram, ...]:
    """The diagrams whose features are all known, each of the first survey that has them."""
    there = frozenset(known)
    found = (_first(each, there) for each in USUAL)
    return tuple(each for each in found if each is not None)


def bands_of(known: Iterable[str]) -> tuple[str, ...]:
    """The magnitudes of BANDS that are known."""
    there = frozenset(known)
    return tuple(name for band in BANDS for name in _spelled(band) if name in there)


def _first(diagram: Diagram, known: frozenset[str]) -> Diagram | None:
    for words in _choices("".join(diagram.features)):
        told = _named(diagram, words)
        if known.issuperset(told.features):
            return told
    return None


def _named(diagram: Diagram, words: Mapping[str, str]) -> Diagram:
    def axis(each: Axis) -> Axis:
        needs = tuple(_put(name, words) for name in each.needs)
        return replace(each, feature=_put(each.feature, words), needs=needs)

    least = tuple((_put(name, words), value) for name, value in diagram.least)
    return replace(diagram, x=axis(diagram.x), y=axis(diagram.y), least=least)


def _spelled(name: str) -> list[str]:
    return [_put(name, words) for words in _choices(name)]


def _choices(text: str) -> list[dict[str, str]]:
    """Every way to fill the places in a text, usual surveys first."""
    told: list[dict[str, str]] = [{}]
    for place, surveys in _SURVEYS.items():
        if place in text:
            told = [{**each, place: survey} for each in told for survey in surveys]
    return told


def _put(name: str, words: Mapping[str, str]) -> str:
    for place, survey in words.items():
        name = name.replace(place, survey)
    return name
