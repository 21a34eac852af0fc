"""The knobs of an SDSS-like archive, at published densities where there are such."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Archive:
    """How often things happen; densities a square degree of one scan."""

    repeated: float = 0.2
    """part of the strips that were scanned twice, with other run numbers"""
    blend_arcsec: float = 10.0
    """objects further apart are never one blend"""
    asteroids: float = 20.0
    """on the ecliptic, 14.5 < r < 21.5: Ivezic et al. 2001, AJ 122, 2749: 13,000 in 500 deg2"""
    fast: float = 0.2
    """near-Earth objects that leave trails, each seen as two objects. Real: some 0.01 (the
    published query found 4 pairs in 460 deg2); twenty times as many, so that a search for them
    in 300 deg2 finds some"""
    cosmic_rays: float = 4.0
    defects: float = 3.0
    unknown: float = 10.0
    """of type UNKNOWN; ours, as are the two before"""
    trails: float = 0.3
    """trails of satellites and planes a square degree, broken at the sides of fields; ours"""
    ghosts: float = 1.0
    """reflections of bright stars; ours"""
    lenses: float = 0.05
    """pairs of images of a lensed quasar to i < 21: one in a thousand quasars (Oguri & Marshall
    2010, MNRAS 405, 2579)"""
    white_dwarf_pairs: float = 0.04
    """a white dwarf with a red dwarf in one image, and a third star within 3": 0.4 such pairs a
    square degree to r < 20.5 (Smolcic et al. 2004, ApJ 615, L141), one in ten with a third star"""
    high_z: float = 0.1
    """quasars at 3.6 < z < 4.5 with i < 19, beside those of the truth's luminosity function. Real:
    0.03 in all (Fan et al. 2001, AJ 121, 54); more, so that a search for them in 300 deg2 finds
    some"""
    profile_mag: float = 17.0
    """PhotoProfile holds the primary objects brighter than this in r (Petrosian)"""
    failed: float = 0.004
    """part of the spectra that are broken, however bright; ours"""
    unknown_lines: float = 0.3
    """lines a spectrum that no list explains: badly subtracted sky, noise; ours"""
    broad_absorption: float = 0.15
    """part of quasars with broad absorption (Reichard et al. 2003, AJ 126, 2594: 14 %)"""
    nuclei: float = 0.03
    """part of galaxies with a broad-line nucleus: Stern & Laor 2012, MNRAS 423, 600"""
    dusty: float = 0.5
    """part of these that are of types 1.8 and 1.9, E(B-V) between 1.5 and 2.5. Real: some 0.05;
    more, so that a search in 300 deg2 for Halpha twenty times as strong as Hbeta finds some"""
    mid_z: float = 0.5
    """part of the point sources with colours of quasars at 2.4 < z < 3, which are those of A and F
    stars too, that get a spectrum. Real: 0.1 (Richards et al. 2002); more, so that a search for
    quasars at 2.5 < z < 2.7 in 300 deg2 finds some"""
    targets: float = 1.0
    """times the densities of random and serendipitous spectroscopic targets"""
