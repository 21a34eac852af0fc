"""The eight classes of a classified sky, told once: for the simulator's truth, labels and scores.

Each class has a physical definition, which `of_truth` applies to the columns of a synthetic truth;
what labels of others mean in these classes stands in `catalog/labelsets.py`. `docs/reference/
classes.md` is made from both.

Precedence where definitions overlap: transient, white dwarf, brown dwarf, giant, main sequence;
transient, quasar, galaxy. So a pulsating giant is transient when its light changes by more than
`TRANSIENT_MAG`, and a giant when it does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike, NDArray

    Codes = NDArray[np.int8]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


class Class(IntEnum):
    """The eight, and what is said where none of them is."""

    UNLABELLED = -1
    """nothing is known: no row for training or scores"""
    OTHER = 0
    """something else: known to be none of the eight"""
    MAIN_SEQUENCE = 1
    GIANT = 2
    WHITE_DWARF = 3
    BROWN_DWARF = 4
    GALAXY = 5
    QUASAR = 6
    GALAXY_CLUSTER = 7
    TRANSIENT = 8
    STAR = 10
    """a star of which nobody tells whether it is one of 1 to 4: a branch, for hierarchies"""

    @property
    def label(self) -> str:
        """The name in tables: lower case."""
        return self.name.lower()


EIGHT: Final = tuple(each for each in Class if 1 <= each <= 8)
NAMES: Final = tuple(each.label for each in EIGHT)
"""Of the eight, in their order."""
OTHER: Final = Class.OTHER.label
BRANCHES: Final = {
    "star": (Class.MAIN_SEQUENCE, Class.GIANT, Class.WHITE_DWARF, Class.BROWN_DWARF),
    "extragalactic": (Class.GALAXY, Class.QUASAR, Class.GALAXY_CLUSTER),
    "changing": (Class.TRANSIENT,),
}
"""The upper level of the hierarchy; "variable" is an attribute beside it: see `variable`."""

TRANSIENT_MAG: Final = 0.3
"""Peak to peak, in g: a third of the light, and so colours taken at different times off by more
than the stellar locus is wide. Quasars and spotted stars stay below it as a rule."""
VARIABLE_MAG: Final = 0.1
"""Peak to peak, in g: from here on an object varies, whatever its class; surveys see it."""
WHITE_DWARF_LOGG: Final = 7.0
FIRST_BROWN_DWARF: Final = 20.0
"""numeric spectral type of L0, where M0 is 10"""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a class is, in words."""

    physics: str
    """on the columns of a truth"""
    holds: str
    """what goes here that one might look for elsewhere, and what does not"""


DEFINITIONS: Final = {
    Class.MAIN_SEQUENCE: Definition(
        "a star with hydrogen burning in its core: log g at or above the line of giants, below "
        "7, type earlier than L0",
        "O, B and A dwarfs, M dwarfs (flaring ones too), subdwarfs, and subgiants above the line",
    ),
    Class.GIANT: Definition(
        "log g below the line of Ciardi et al. 2011, AJ 141, 108: 3.5 from 6,000 K, 4.0 up to "
        "4,250 K, 5.2 - 2.8e-4 Teff between",
        "subgiants below the line, the red-giant branch, the clump, the horizontal branch, "
        "supergiants; long-period variables only below 0.3 mag",
    ),
    Class.WHITE_DWARF: Definition(
        "log g of 7 or more",
        "all atmospheres (DA, DB, DC ...), and pairs whose white dwarf is the brighter in g; not "
        "hot subdwarfs (other), not cataclysmic variables (transient)",
    ),
    Class.BROWN_DWARF: Definition(
        "spectral type L0 or later, whatever the mass: no survey measures that",
        "L, T and Y dwarfs; not M7 to M9, though some of these have less than 0.075 Msun",
    ),
    Class.GALAXY: Definition(
        "a galaxy whose stars outshine its nucleus",
        "members and brightest galaxies of clusters; Seyfert galaxies, narrow-line and other "
        "low-redshift AGN that spectra call galaxies",
    ),
    Class.QUASAR: Definition(
        "an active nucleus that outshines its galaxy, at any redshift",
        "what spectroscopic pipelines call QSO, broad-line AGN, blazars; always, however it varies",
    ),
    Class.GALAXY_CLUSTER: Definition(
        "a bound system of richness 20 or more: red galaxies brighter than 0.2 L* within "
        "1.43 (richness/100)^0.2 Mpc",
        "systems, in a table of their own which a detector over neighbours makes: no row of a "
        "table of sources is one",
    ),
    Class.TRANSIENT: Definition(
        "light that changes by 0.3 mag or more in g, peak to peak; or that is there for an event "
        "only",
        "supernovae, novae, tidal disruptions, all cataclysmic variables; RR Lyrae, Cepheids, "
        "Miras, eclipsing pairs and lensing events of 0.3 mag or more; not flare stars, quiet "
        "for 99 % of the time, and not quasars",
    ),
    Class.OTHER: Definition(
        "known, and none of the eight",
        "asteroids, young stars still contracting, hot subdwarfs, Wolf-Rayet stars, neutron "
        "stars, X-ray binaries, planetary nebulae, spurious rows",
    ),
}

_ALWAYS: Final = re.compile(r"(SN|SLSN|UG|N[ABCR]?$|NOVA|NL$|CV$|TDE|KN)")
"""families of types that are transient whatever their amplitude"""
_NEVER: Final = re.compile(r"(QSO|AGN|BLAZAR|UV|ASTEROID|CST|CONSTANT|$)")
"""families that are not, whatever theirs"""
_KINDS: Final = {
    1: Class.MAIN_SEQUENCE,
    2: Class.GIANT,
    3: Class.WHITE_DWARF,
    4: Class.BROWN_DWARF,
    5: Class.GALAXY,
    6: Class.QUASAR,
    8: Class.TRANSIENT,
    9: Class.OTHER,
}
"""The column `kind` of a truth"""


def names_of(codes: ArrayLike) -> NDArray[np.str_]:
    """(n,) names of codes; "" where unlabelled."""
    known = {int(each): each.label for each in Class if each is not Class.UNLABELLED}
    table = np.array([known.get(code, "") for code in range(-1, max(known) + 1)])
    return np.asarray(table[np.asarray(codes, np.int64) + 1])


def codes_of(names: Iterable[str | None]) -> Codes:
    """(n,) codes of names; -1 for None and "".

    Raises UserError for a name that is none of ours.
    """
    known = {each.label: int(each) for each in Class} | {"": -1, None: -1}
    told = list(names)
    unknown = sorted({str(name) for name in told if name not in known})
    if unknown:
        raise UserError(
            f"class {unknown[0]!r} is none of {', '.join([*NAMES, OTHER, 'star'])}: map the labels "
            "of others with skyquarry.catalog.labelsets"
        )
    return np.array([known[name] for name in told], np.int8)


def giant_logg(teff_k: ArrayLike) -> Floats:
    """(n,) log g below which a star is a giant (Ciardi et al. 2011, AJ 141, 108).

    >>> giant_logg([4000, 5000, 6500]).tolist()
    [4.0, 3.8, 3.5]
    """
    teff = np.asarray(teff_k, np.float64)
    between = 5.2 - 2.8e-4 * teff
    # the published line ends 0.01 and 0.02 dex off its ends
    return np.where(teff >= 6000.0, 3.5, np.where(teff <= 4250.0, 4.0, between))


def of_star(teff_k: ArrayLike, logg: ArrayLike, spectral_type: ArrayLike | None = None) -> Codes:
    """(n,) class of stars that do not change: NaN in log g is unlabelled, unless of type L0 on.

    Without a temperature a giant is one below 3.5, and a dwarf one of 4.0 or more.
    """
    gravity, teff = (np.asarray(each, np.float64) for each in (logg, teff_k))
    line = giant_logg(teff)
    low = np.where(np.isnan(teff), gravity < 3.5, gravity < line)
    high = np.where(np.isnan(teff), gravity >= 4.0, gravity >= line)
    found = np.full(gravity.shape, Class.STAR, np.int8)
    found[np.isnan(gravity)] = Class.UNLABELLED
    found[high] = Class.MAIN_SEQUENCE
    found[low] = Class.GIANT
    if spectral_type is not None:
        found[np.asarray(spectral_type, np.float64) >= FIRST_BROWN_DWARF] = Class.BROWN_DWARF
    found[gravity >= WHITE_DWARF_LOGG] = Class.WHITE_DWARF
    return found


def variable(types: ArrayLike, amplitude_mag: ArrayLike) -> Mask:
    """(n,) whether variability dominates, so that the class is transient.

    `types` as the GCVS abbreviates them, or SN, QSO, ASTEROID ...; "" is constant. Amplitudes in
    mag, peak to peak, NaN unknown: then only families that are always transient are.
    """
    family, place = np.unique(np.asarray(types, np.str_), return_inverse=True)
    heads = [re.split(r"[ /:]", name.upper())[0] for name in family.tolist()]
    always = np.array([bool(_ALWAYS.match(head)) for head in heads], np.bool_)
    never = np.array([bool(_NEVER.match(head)) for head in heads], np.bool_)
    large = np.asarray(amplitude_mag, np.float64) >= TRANSIENT_MAG
    return np.asarray(always[place] | (large & ~never[place]))


def varies(types: ArrayLike, amplitude_mag: ArrayLike) -> Mask:
    """(n,) whether an object varies, whatever its class: the label of the second head.

    Arguments as those of `variable`; quasars and flare stars vary where their amplitude says so.

    >>> varies(["QSO", "RRab", "", "SNIa"], [0.2, 0.05, float("nan"), float("nan")]).tolist()
    [True, False, False, True]
    """
    return np.asarray(
        variable(types, amplitude_mag) | (np.asarray(amplitude_mag, np.float64) >= VARIABLE_MAG)
    )


def of_truth(
    truth: Mapping[str, Any], types: ArrayLike | None = None, amplitude_mag: ArrayLike | None = None
) -> Codes:
    """(n,) class of true sources, from the columns of a synthetic truth, (n,) each.

    `kind` is needed; `logg`, `teff_k` and `spectral_type` (NaN where unknown) decide among stars.
    `types` and `amplitude_mag` are those of the sky's variables, "" and NaN for constant sources;
    without them nothing but `kind` 8 is transient.
    """
    kind = np.asarray(truth["kind"], np.int64)
    found = np.full(kind.shape, Class.OTHER, np.int8)
    for number, own in _KINDS.items():
        found[kind == number] = own
    star = (kind >= 1) & (kind <= 4)
    if "logg" in truth:
        empty = np.full(kind.shape, np.nan)
        told = (truth.get(each, empty) for each in ("teff_k", "logg", "spectral_type"))
        by_gravity = of_star(*told)
        known = star & (by_gravity > 0) & (by_gravity != Class.STAR) & (kind != 4)
        found[known] = by_gravity[known]
    if types is not None:
        amplitude = np.full(kind.shape, np.nan) if amplitude_mag is None else amplitude_mag
        found[variable(types, amplitude) & (kind != 9)] = Class.TRANSIENT
    return found
