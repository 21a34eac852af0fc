"""Variables and light curves of a synthetic sky as catalogues of an archive."""

from dataclasses import dataclass

import numpy as np
import pytest

import skyquarry as sq
from skyquarry.sky.vectors import to_xyz
from skyquarry.synthetic.bands import N_BANDS
from skyquarry.synthetic.sources import Kind, Sources
from skyquarry.testing.points import FIELD, simulated


@dataclass(frozen=True)
class Quasars:
    """So many a block, of magnitudes from 15 to 21."""

    name: str = "quasars"
    number: int = 1
    each: int = 400

    def drawn(self, block, random):
        n = self.each * len(block.parts())
        ra, dec = block.uniform(n, random)
        mags = np.repeat(random.uniform(15, 21, n)[:, None], N_BANDS, axis=1)
        known = {"kind": Kind.QUASAR, "redshift": random.uniform(0.3, 3.0, n)}
        return Sources.of(n, ra_deg=ra, dec_deg=dec, mags=mags, **known)


def followed(path, **how):
    known = {"surveys": ["gaia"], "populations": [Quasars()], "lightcurves": True}
    return simulated(path, **(known | how))


def contents(archive):
    return {
        name: sorted(map(repr, archive[name].to_table().to_pylist()))
        for name in ("variables", "lightcurves")
    }


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    return followed(tmp_path_factory.mktemp("sky"))


def test_variables_lie_in_the_region_and_have_their_light_curves_beside_them(sky):
    variables, curves = (sky[name].to_table() for name in ("variables", "lightcurves"))
    assert set(variables["type"].to_pylist()) == {"QSO"}
    ra, dec = (variables[name].to_numpy() for name in ("ra_deg", "dec_deg"))
    assert sq.region(FIELD).contains(to_xyz(ra, dec)).all()
    assert len(curves) == sum(variables["visits"].to_pylist()) > 1000
    assert set(curves["id"].to_pylist()) <= set(variables["id"].to_pylist())


def test_light_curves_are_the_same_on_any_number_of_workers(sky, tmp_path):
    assert contents(followed(tmp_path / "sky", executor="processes")) == contents(sky)


def test_light_curves_of_a_part_are_those_of_the_whole(sky, tmp_path):
    part = followed(tmp_path / "part", region="CIRCLE 180 30 0.06")
    rows = [
        sorted(map(repr, each["lightcurves"].cone(180, 30, 200).to_table().to_pylist()))
        for each in (part, sky)
    ]
    assert rows[0] == rows[1] != []


def test_they_can_be_added_to_a_sky_that_is_there(sky, tmp_path):
    first = followed(tmp_path / "sky", lightcurves=False)
    assert "variables" not in first.names()
    again = followed(tmp_path / "sky")
    assert again["truth"].version == "v1"
    assert contents(again) == contents(sky)
