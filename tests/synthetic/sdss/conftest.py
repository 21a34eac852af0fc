"""One patch of the small sky, and patches of known galaxies."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import skyquarry as sq
from skyquarry.sky import healpix
from skyquarry.synthetic.blocks import BLOCK_ORDER, Block, truth_of
from skyquarry.synthetic.sdss import rare
from skyquarry.synthetic.sdss.patch import Patches
from skyquarry.synthetic.simulation import Simulation
from skyquarry.synthetic.sources import Kind, Sources
from skyquarry.testing.smallsky import KNOBS, SmallSky

SEED = 35
FIRST = int(healpix.index(np.array([185.0]), np.array([-0.5]), 6)[0]) * 4
BLOCKS = np.arange(FIRST, FIRST + 4)
SKY = Simulation(
    sq.region("CIRCLE 185 -0.5 3"), SEED, (SmallSky(), *rare.populations(KNOBS)), ("sdss",)
)
PATCHES = Patches(SKY, KNOBS)


QUIET = Patches(
    SKY,
    replace(
        KNOBS, asteroids=0.0, fast=0.0, trails=0.0, ghosts=0.0, cosmic_rays=0.0, defects=0.0,
        unknown=0.0, repeated=0.0,
    ),
)  # fmt: skip


@cache
def truth():
    """The sources of the blocks, and those around them."""
    beside = healpix.neighbours(BLOCKS, BLOCK_ORDER).ravel()
    drawn = [
        truth_of(Block(int(pixel), SEED, SKY.limits), SKY.populations)
        for pixel in np.unique(np.append(beside, BLOCKS))
    ]
    return Sources.concatenated([each[0] for each in drawn]), np.concatenate(
        [each[1] for each in drawn]
    )


@cache
def tables():
    return PATCHES.made(*truth(), BLOCKS)


def known(n, mag=17.0, **how):
    """The tables of galaxies of one magnitude on a grid in the first block, no blends."""
    ra, dec = (float(each[0]) for each in healpix.center(BLOCKS[:1], BLOCK_ORDER))
    side = int(np.ceil(np.sqrt(n)))
    east, north = (each.ravel()[:n] * 40.0 / 3600 for each in np.mgrid[:side, :side] - side / 2)
    how = {"kind": Kind.GALAXY, "sersic": 1.0, "half_light_arcsec": 2.0, **how}
    sources = Sources.of(
        n, ra_deg=ra + east / np.cos(np.radians(dec)), dec_deg=dec + north,
        mags=mag, redshift=0.1, **how,
    )  # fmt: skip
    return QUIET.made(sources, np.arange(n) + 1, BLOCKS[:1])


def of_known(n, **how):
    """PhotoObj of the primary ones of `known`, spurious ones left out."""
    table = known(n, **how)["photoobj"]
    mode, r = (table[name].to_numpy() for name in ("mode", "r"))
    return table.filter((mode == 1) & (r < 19))


@pytest.fixture(scope="session", name="truth")
def a_truth():
    return truth()


@pytest.fixture(scope="session", name="tables")
def some_tables():
    return tables()


@pytest.fixture(scope="session", name="known")
def a_maker():
    return known


@pytest.fixture(scope="session", name="of_known")
def a_maker_of_objects():
    return of_known


@pytest.fixture(scope="session")
def patches():
    return PATCHES, BLOCKS


@pytest.fixture(scope="session")
def quiet():
    """Patches without what is no source."""
    return QUIET
