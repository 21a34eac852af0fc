"""The footprint that a user gives, kept with the catalogue as a MOC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyquarry.errors import UserError

if TYPE_CHECKING:
    from skyquarry.catalog.files import Folder
    from skyquarry.sky.footprint import Footprint

FOOTPRINT_FILE = "footprint.fits"
"""In the version's folder, beside the primary; `skyquarry_footprint` in its properties is the
label."""


def check_footprint(footprint: Footprint | None) -> None:
    """Raise UserError for a footprint that a MOC cannot hold whole."""
    if footprint is not None and (footprint.depth is not None or footprint.masks is not None):
        raise UserError(
            "a footprint with a depth map or masks was given, but a catalogue keeps its area alone:"
            " pass Footprint(footprint.ranges), and apply depth and masks to what you read"
        )


def write_footprint(home: Folder, footprint: Footprint) -> None:
    """Write the footprint's MOC into a version."""
    from skyquarry.sky.mocs import MocRegion, finest_order

    region = MocRegion(footprint.ranges, finest_order(footprint.ranges))
    home.write_atomic(FOOTPRINT_FILE, region.to_fits())
