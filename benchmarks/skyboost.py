"""A synthetic sky with more of what is rare than there is, and the weights that undo it.

Extra sources are drawn of the package's own populations, only as bright as they will be judged, and
put between the natural ones before any survey looks: so they are blended, detected, measured and
matched as all are. Which they are is told by physical columns of the truth alone (`Stratum.holds`);
a source of a stratum, natural or extra, weighs 1 / (1 + times), all others 1. What the strata do
not hold is there once, as in the sky.

Eclipsing pairs cannot be drawn as such: the simulator tells by a hash of its id whether a pair of
dwarfs eclipses. So dwarfs are drawn many times, and those kept that do, by `SHALLOW` or more: from
0.3 mag on they are transients, and what these are mistaken for are those that fall short of it. Of
the latter a sky has a few a square degree: too few to learn of, to calibrate with or to test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.synthetic.blocks import WIDE_ORDER, Block, ids_of, limits_of, truth_of
from skyquarry.synthetic.changing.changes import Type
from skyquarry.synthetic.changing.lightcurves import found
from skyquarry.synthetic.changing.populations import CATACLYSMIC, RR_LYRAE
from skyquarry.synthetic.milkyway import counting, mainsequence, metallicity, populations
from skyquarry.synthetic.milkyway.browndwarfs import BrownDwarfs
from skyquarry.synthetic.milkyway.giants import Giants
from skyquarry.synthetic.milkyway.mainsequence import MainSequence
from skyquarry.synthetic.milkyway.observed import seen
from skyquarry.synthetic.milkyway.whitedwarfs import WhiteDwarfs
from skyquarry.synthetic.populations import usual
from skyquarry.synthetic.simulation import Simulation
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.sky.ranges import Ranges
    from skyquarry.synthetic.blocks import Population
    from skyquarry.synthetic.milkyway.discs import Component

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

OPTICAL: Final = {"sdss_r": 20.4}
"""AB, half a magnitude fainter than what is judged: r <= 20 as measured"""
INFRARED: Final = {"twomass_j": 17.9, "wise_w1": 18.7}
"""the same of J <= 16.5 and W1 <= 15.5, Vega"""
FIRST_EXTRA: Final = 1 << 24
"""row numbers of extra sources, past those of natural ones; another start for each stratum"""
LATE: Final = 16.0
"""M6: from here on dwarfs are taken for L dwarfs, if any are"""
SHALLOW: Final = 0.05
"""magnitudes: eclipses that ZTF sees well"""
_ECLIPSING: Final = (Type.EA, Type.EW)


@dataclass(frozen=True)
class Stratum:
    """What there is more of, and how many times more."""

    name: str
    times: float
    """extra ones for each natural one"""
    limits: tuple[tuple[str, float], ...]

    @property
    def faintest(self) -> NDArray[np.float32]:
        """(24,) AB."""
        return limits_of(dict(self.limits))

    @property
    def weight(self) -> float:
        """Of its sources."""
        return 1.0 / (1.0 + self.times)


def _strata(**times: float) -> tuple[Stratum, ...]:
    infrared = ("brown dwarfs", "late dwarfs")
    return tuple(
        Stratum(name.replace("_", " "), each,
                tuple((INFRARED if name.replace("_", " ") in infrared else OPTICAL).items()))
        for name, each in times.items()
    )  # fmt: skip


STRATA: Final = _strata(
    brown_dwarfs=7_000.0, late_dwarfs=500.0, white_dwarfs=600.0, quasars=80.0, giants=12.0,
    pulsating=1_000.0, cataclysmic=1_400.0, eclipsing=60.0,
)  # fmt: skip


def stratum_of(sources: Sources, ids: Ints, seed: int) -> NDArray[np.int8]:
    """(n,) number of the stratum of each source, -1 of none: natural and extra ones alike."""
    number = (ids >> 32) & 63
    eclipsing = np.zeros(len(ids), np.bool_)
    some = found(sources, ids, seed)
    seen_well = np.isin(some.changes.type, _ECLIPSING) & (some.changes.amplitude_mag >= SHALLOW)
    eclipsing[some.place[seen_well]] = True
    dwarf = (number <= 4) & (sources.kind == Kind.MAIN_SEQUENCE)
    late = dwarf & (sources.spectral_type >= LATE)
    member = {
        "brown dwarfs": np.isin(number, [each.number for each in _of(BrownDwarfs)]),
        "late dwarfs": late,
        "white dwarfs": np.isin(number, [each.number for each in _of(WhiteDwarfs)]),
        "quasars": number == _quasars().number,
        "giants": np.isin(number, [each.number for each in _of(Giants)]),
        "pulsating": number == RR_LYRAE.number,
        "cataclysmic": number == CATACLYSMIC.number,
        "eclipsing": dwarf & eclipsing & ~late,
    }
    told = np.full(len(ids), -1, np.int8)
    for place, each in enumerate(STRATA):
        bright = (sources.mags < each.faintest).any(axis=1)
        told[member[each.name] & bright] = place
    return told


def _of(kind: type) -> list[Any]:
    return [each for each in populations.POPULATIONS if isinstance(each, kind)]


@cache
def _quasars() -> Population:
    return next(each for each in usual() if each.name == "quasars")


@dataclass(frozen=True)
class BoostedSky(Simulation):
    """A simulation with the extra sources of the strata."""

    def truth(self, cell: int, ranges: Ranges | None = None) -> pa.Table:
        """The true sources of a cell of order 6, extra ones included; those of some ranges."""
        from skyquarry.sky import healpix

        parts = [truth_of(Block(cell, self.seed, self.limits, WIDE_ORDER), self.populations)]
        parts += [self._extra(cell, place, each) for place, each in enumerate(STRATA)]
        sources = Sources.concatenated([each for each, _ in parts])
        ids = np.concatenate([each for _, each in parts])
        if ranges is not None:
            kept = ranges.contains(healpix.index(sources.ra_deg, sources.dec_deg))
            sources, ids = sources.taken(kept), ids[kept]
        return sources.to_table(ids)

    def settings(self) -> dict[str, Any]:
        """All that decides the bytes."""
        return super().settings() | {"boosted": repr(STRATA)}

    def _extra(self, cell: int, place: int, stratum: Stratum) -> tuple[Sources, Ints]:
        """The extra sources of a cell and stratum."""
        from skyquarry.sky import healpix

        there = Block(cell, self.seed, np.minimum(stratum.faintest, self.limits), WIDE_ORDER)
        drawn, ids = [Sources.of(0)], [np.empty(0, np.int64)]
        for number, some in _DRAWN[stratum.name](there, place, stratum.times):
            own = ids_of(number, healpix.index(some.ra_deg, some.dec_deg))
            own += FIRST_EXTRA * (1 + place)
            kept = stratum_of(some, own, self.seed) == place
            drawn.append(some.taken(kept))
            ids.append(own[kept])
        return Sources.concatenated(drawn), np.concatenate(ids)


Drawn = list[tuple[int, Sources]]


def _denser(component: Component, times: float) -> Component:
    """Only for populations that take the component's density as a factor."""
    return replace(component, share=times * component.share)


def _dense(kind: type) -> Callable[[Block, int, float], Drawn]:
    def drawn(block: Block, place: int, times: float) -> Drawn:
        return [
            (each.number,
             replace(each, component=_denser(each.component, times)).drawn(
                 block, block.generator(each.number, 100 + place)))
            for each in _of(kind)
        ]  # fmt: skip

    return drawn


def _again(several: Callable[[], list[Population]]) -> Callable[[Block, int, float], Drawn]:
    """Of populations that have no such factor: drawn so many times."""

    def drawn(block: Block, place: int, times: float) -> Drawn:
        told = []
        for each in several():
            some = [each.drawn(block, block.generator(each.number, 100 + place, turn))
                    for turn in range(round(times))]  # fmt: skip
            told.append((each.number, Sources.concatenated(some)))
        return told

    return drawn


def _changing(population: Any) -> Callable[[Block, int, float], Drawn]:
    def drawn(block: Block, place: int, times: float) -> Drawn:
        more = replace(population, local_pc3=times * population.local_pc3)
        return [(more.number, more.drawn(block, block.generator(more.number, 100 + place)))]

    return drawn


def _late(block: Block, place: int, times: float) -> Drawn:
    """Dwarfs of the end of the main sequence alone."""
    known, told = mainsequence.knots(), []
    last = np.where(known.spectral_type[1:] > LATE, known.numbers, 0.0)
    for each in _of(MainSequence):
        component, random = each.component, block.generator(each.number, 100 + place)
        numbers = last * mainsequence.share_of(component)
        usual_mags = known.mags + metallicity.fainter(np.array(component.feh))
        where, distance = counting.drawn_places(
            block, _denser(component, times), numbers, usual_mags, 2.0, random
        )
        stars = mainsequence._Dwarfs(where, each.binary_share)  # noqa: SLF001
        told.append((each.number, seen(block, component, distance, random, stars)))
    return told


_DRAWN: Final = {
    "brown dwarfs": _dense(BrownDwarfs),
    "white dwarfs": _dense(WhiteDwarfs),
    "late dwarfs": _late,
    "quasars": _again(lambda: [_quasars()]),
    "giants": _again(lambda: _of(Giants)),
    "pulsating": _changing(RR_LYRAE),
    "cataclysmic": _changing(CATACLYSMIC),
    "eclipsing": _again(lambda: _of(MainSequence)),
}


def drawn_alone(stratum: str, block: Block, place: int, times: float) -> Drawn:
    """So many times the sources of a stratum in a block, and none of the natural ones."""
    return _DRAWN[stratum](block, place, times)
