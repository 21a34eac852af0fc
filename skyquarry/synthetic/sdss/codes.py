"""SDSS's own codes: flags of objects, their types and modes, classes of spectra."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Flag(IntFlag):
    """Bits of PhotoObj.flags: Stoughton et al. 2002, AJ 123, 485, table 9, and SkyServer."""

    CANONICAL_CENTER = 0x1
    BRIGHT = 0x2
    EDGE = 0x4
    BLENDED = 0x8
    CHILD = 0x10
    PEAKCENTER = 0x20
    NODEBLEND = 0x40
    NOPROFILE = 0x80
    NOPETRO = 0x100
    MANYPETRO = 0x200
    COSMIC_RAY = 0x1000
    INTERP = 0x20000
    SATURATED = 0x40000
    NOTCHECKED = 0x80000
    BADSKY = 0x400000
    PETROFAINT = 0x800000
    TOO_LARGE = 0x1000000
    DEBLENDED_AS_PSF = 0x2000000
    ELLIPFAINT = 0x8000000
    BINNED1 = 0x10000000
    BINNED2 = 0x20000000
    BINNED4 = 0x40000000
    MOVED = 0x80000000
    DEBLENDED_AS_MOVING = 0x100000000
    STATIONARY = 0x1000000000


class PhotoType(IntEnum):
    """PhotoObj.type."""

    UNKNOWN = 0
    COSMIC_RAY = 1
    DEFECT = 2
    GALAXY = 3
    GHOST = 4
    KNOWNOBJ = 5
    STAR = 6
    TRAIL = 7
    SKY = 8


class Mode(IntEnum):
    """PhotoObj.mode: the best observation of a place, another one, the parent of a blend."""

    PRIMARY = 1
    SECONDARY = 2
    FAMILY = 3


class SpecClass(IntEnum):
    """SpecObj.specClass."""

    UNKNOWN = 0
    STAR = 1
    GALAXY = 2
    QSO = 3
    HIZ_QSO = 4
    SKY = 5
    STAR_LATE = 6
    GAL_EM = 7


class Target(IntFlag):
    """SpecTarget.primTarget: bits of SDSS's target flags that are used here."""

    QSO_HIZ = 0x1
    QSO_CAP = 0x2
    GALAXY_RED = 0x20
    GALAXY = 0x40
    STAR_BHB = 0x2000
    STAR_RED_DWARF = 0x40000
    STAR_WHITE_DWARF = 0x80000
    SERENDIP_DISTANT = 0x800000
    SERENDIP_MANUAL = 0x1000000
