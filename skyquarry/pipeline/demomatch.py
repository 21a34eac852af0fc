"""The demo's second act: Hipparcos and Gaia cross-matched over the whole sky.

By distance alone first: the nearest star of Gaia within 1" of each star of Hipparcos, as both are
catalogued (1991.25 and 2016.0), then with Hipparcos moved to 2016.0. Then the same as an
identification, with errors and probabilities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.sky.motion import propagate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

    from skyquarry.engine.catalog import Catalog

    Say = Callable[[str], Any]

RADIUS_ARCSEC: Final = 1.0
HIPPARCOS_JYEAR, GAIA_JYEAR = 1991.25, 2016.0
GAIA_ERROR_ARCSEC: Final = 0.001
"""What the positions of Gaia's package, which gives no errors, are taken to be uncertain by."""
SURE: Final = 0.99


def match(hipparcos: Catalog, gaia: Catalog, say: Say) -> dict[str, int]:
    """Counts of matched stars, by kind; each is told as it is found.

    `..._by_gaia` leaves out the 70 rows of the package that Gaia did not see, which are
    Hipparcos's own (source_id < 0): they match themselves.
    """
    from skyquarry.pipeline.matching import pairs

    say("  the nearest within 1 arcsec, by distance alone:")
    place = {"id": "HIP", "ra": "ra", "dec": "dec"}
    sides = {"as_catalogued": hipparcos, "at_2016": (at_2016(hipparcos), place)}
    words = {"as_catalogued": "as catalogued, 24.75 years apart", "at_2016": "moved to 2016.0"}
    found = {}
    for kind, side in sides.items():
        table = pairs(side, gaia, radius_arcsec=RADIUS_ARCSEC, keep="best").to_table()
        found[kind] = table.num_rows
        found[f"{kind}_by_gaia"] = int((to_numpy(table["right_id"]) > 0).sum())
        say(
            f"    {words[kind]}: {found[kind]:,} of {hipparcos.count():,} stars; "
            f"{found[f'{kind}_by_gaia']:,} without the rows that are Hipparcos's own"
        )
    return found


def identify(hipparcos: Catalog, gaia: Catalog, page: Path, say: Say) -> dict[str, int]:
    """Counts of an identification with errors, motions and probabilities; its report as a page."""
    from skyquarry.pipeline.crossmatching import crossmatch
    from skyquarry.pipeline.reports import report_page

    say(
        "  as an identification: Hipparcos with its own errors and motions; Gaia's package gives "
        f"no errors, so they are taken to be {1e3 * GAIA_ERROR_ARCSEC:g} mas"
    )
    assumed = {gaia.name: GAIA_ERROR_ARCSEC}
    result = crossmatch(hipparcos, gaia, default_error_arcsec=assumed).run()
    pairs = result.pairs
    matched = pairs.filter(pairs["is_match"])
    p = to_numpy(matched["posterior"])
    by_gaia = to_numpy(matched["right_id"]) > 0
    found = {
        "identified": matched.num_rows,
        "identified_by_gaia": int(by_gaia.sum()),
        "identified_surely": int((p > SURE).sum()),
    }
    say(
        f"  {found['identified']:,} stars identified, {found['identified_by_gaia']:,} without the "
        f"rows that are Hipparcos's own, {found['identified_surely']:,} with P > {SURE:g}; "
        f"expected false: {float((1.0 - p).sum()):.1f}"
    )
    for line in result.verdict.splitlines():
        say(f"    {line}")
    say(f"  the report with its plots: {report_page(result, page)}")
    return found


def at_2016(hipparcos: Catalog) -> pa.Table:
    """HIP, ra, dec of Hipparcos at 2016.0, each star moved along its great circle."""
    table = hipparcos.select(["HIP", "ra", "dec", "pmRA", "pmDE"]).to_table()
    ra, dec, pmra, pmdec = (to_numpy(table[name]) for name in ("ra", "dec", "pmRA", "pmDE"))
    ra, dec = propagate(ra, dec, pmra, pmdec, GAIA_JYEAR - HIPPARCOS_JYEAR)
    moved = table.select(["HIP"])
    return moved.append_column("ra", from_numpy(ra)).append_column("dec", from_numpy(dec))
