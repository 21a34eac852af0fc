"""Frames, judged by astropy to 1e-9 arcsec (a microarcsecond would be 1e-6)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.errors import PositionError
from skyquarry.sky import frames
from skyquarry.sky.vectors import separation_arcsec, to_xyz


@pytest.mark.judge
@pytest.mark.parametrize("frame", ["galactic", "ecliptic", "supergalactic"])
def test_frames_are_those_of_astropy(frame: str) -> None:
    coordinates = pytest.importorskip("astropy.coordinates")
    theirs = {
        "galactic": coordinates.Galactic(),
        "ecliptic": coordinates.BarycentricMeanEcliptic(equinox="J2000"),
        "supergalactic": coordinates.Supergalactic(),
    }[frame]
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 500), np.degrees(np.arcsin(rng.uniform(-1, 1, 500)))
    judged = coordinates.SkyCoord(ra, dec, unit="deg").transform_to(theirs).spherical
    lon, lat = frames.lonlat_to_frame(ra, dec, frame)
    apart = separation_arcsec(to_xyz(lon, lat), to_xyz(judged.lon.deg, judged.lat.deg))
    assert apart.max() < 1e-9


@given(st.sampled_from(frames.FRAMES), st.floats(0, 359.99), st.floats(-90, 90))
def test_there_and_back_is_where_one_was(frame: str, ra: float, dec: float) -> None:
    here = to_xyz(ra, dec)
    back = frames.from_frame(frames.to_frame(here, frame), frame)
    assert separation_arcsec(here, back)[0] < 1e-9
    lon_lat = frames.lonlat_to_frame(ra, dec, frame)
    again = to_xyz(*frames.lonlat_from_frame(*lon_lat, frame))
    assert separation_arcsec(here, again)[0] < 1e-9


@pytest.mark.parametrize("frame", frames.FRAMES)
def test_a_rotation_keeps_angles_and_handedness(frame: str) -> None:
    matrix = frames.rotation(frame)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=5e-15)
    assert np.linalg.det(matrix) == pytest.approx(1.0, abs=5e-15)


def test_known_places_lie_where_the_textbooks_say() -> None:
    # The north Galactic pole (Blaauw et al. 1960), the north ecliptic pole, the pole of SGB.
    assert frames.lonlat_to_frame(192.85948, 27.12825, "galactic")[1][0] == pytest.approx(
        90, abs=1e-4
    )
    assert frames.lonlat_to_frame(270.0, 66.560709, "ecliptic")[1][0] == pytest.approx(90, abs=1e-4)
    assert frames.lonlat_to_frame(283.75420, 15.70894, "supergalactic")[1][0] > 89.999


def test_an_unknown_frame_is_named() -> None:
    with pytest.raises(PositionError, match="frame is 'fk4'"):
        frames.rotation("fk4")
    np.testing.assert_array_equal(frames.rotation("ICRS"), np.eye(3))


@pytest.mark.parametrize("turn", [frames.to_frame, frames.from_frame])
def test_a_turned_row_does_not_depend_on_how_many_there_are(turn):
    xyz = np.random.default_rng(4).normal(size=(1000, 3))
    xyz /= np.linalg.norm(xyz, axis=1)[:, None]
    whole = turn(xyz, "galactic")
    assert all(
        (turn(xyz[k : k + 7], "galactic") == whole[k : k + 7]).all() for k in range(0, 990, 7)
    )
    assert (turn(xyz[3], "galactic") == whole[3]).all()
