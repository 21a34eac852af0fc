"""Lines of spectra: where they lie, and how strong they are in each class of objects.

Vacuum wavelengths of SDSS's line list (Stoughton et al. 2002, table 10). Equivalent widths at rest,
angstroms, emission positive: quasars after Vanden Berk et al. 2001, AJ 122, 549, table 2; galaxies'
Halpha after Brinchmann et al. 2004, MNRAS 351, 1151, with ratios of star-forming galaxies of Kewley
et al. 2006, MNRAS 372, 961; absorption of stars and early types from memory of Kennicutt 1992.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

UNKNOWN: Final = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line: strengths are medians, 0 where a class does not show it."""

    name: str
    wave: float
    quasar: float = 0.0
    broad: bool = False
    """whether a quasar's line is as wide as its broad-line region is fast"""
    star_forming: float = 0.0
    """over Halpha"""
    early: float = 0.0
    """in galaxies without star formation"""
    hot: float = 0.0
    """in stars of 9000 K"""
    cool: float = 0.0
    """in stars of 5000 K"""
    number: int = 0

    @property
    def id(self) -> int:
        """lineID: the wavelength, as in SpecLineNames."""
        return self.number or int(self.wave)


LINES: Final = (
    Line("OVI_1033", 1033.8, quasar=9.6, broad=True),
    Line("Lya_1215", 1215.7, quasar=92.0, broad=True),
    Line("NV_1241", 1240.8, quasar=6.0, broad=True),
    Line("SiIV_OIV_1398", 1397.6, quasar=8.1, broad=True),
    Line("CIV_1549", 1549.5, quasar=23.8, broad=True),
    Line("HeII_1640", 1640.4, quasar=2.5, broad=True),
    Line("CIII_1908", 1908.7, quasar=21.2, broad=True),
    Line("MgII_2799", 2799.1, quasar=32.3, broad=True),
    Line("OII_3730", 3728.3, quasar=1.6, star_forming=0.9),
    Line("NeIII_3870", 3869.8, quasar=1.4, star_forming=0.06),
    Line("K_3935", 3934.8, early=-7.5, cool=-7.0, hot=-0.8),
    Line("H_3970", 3969.6, early=-6.0, cool=-5.5, hot=-8.0),
    Line("Hd_4103", 4102.9, quasar=5.1, broad=True, star_forming=0.10, hot=-9.0, cool=-1.0),
    Line("G_4306", 4305.6, early=-5.5, cool=-4.5),
    Line("Hg_4342", 4341.7, quasar=12.6, broad=True, star_forming=0.16, hot=-9.5, cool=-1.5),
    Line("Hb_4863", 4862.7, quasar=46.2, broad=True, star_forming=0.24, early=-1.5, hot=-9.0,
         cool=-2.0),
    Line("OIII_4960", 4960.3, quasar=3.5, star_forming=0.10),
    Line("OIII_5008", 5008.2, quasar=13.2, star_forming=0.30),
    Line("Mg_5177", 5176.7, early=-4.5, cool=-3.0),
    Line("Na_5896", 5895.6, early=-4.0, cool=-2.0),
    Line("NII_6550", 6549.9, star_forming=0.11),
    Line("Ha_6565", 6564.6, quasar=194.5, broad=True, star_forming=1.0, early=0.5, hot=-6.0,
         cool=-1.5),
    Line("NII_6585", 6585.3, quasar=2.0, star_forming=0.33, early=0.8),
    Line("SII_6718", 6718.3, quasar=1.6, star_forming=0.20),
    Line("SII_6733", 6732.7, quasar=1.5, star_forming=0.15),
)  # fmt: skip
"""Na_5896 is numbered as SkyServer does; Lya's width includes what absorbs it on the mean."""
