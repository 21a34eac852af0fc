"""What the labels of others mean in our classes: one mapping a label set, and none elsewhere.

A mapping takes the columns of a table by name and gives (n,) codes of `catalog/classes.py`. A label
that does not tell a leaf gives the branch `star`, or nothing (`UNLABELLED`): it never guesses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.catalog.classes import Class, of_star, variable
from skyquarry.errors import ColumnError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from skyquarry.catalog.classes import Codes

    Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LabelSet:
    """How the labels of a table are read."""

    name: str
    title: str
    columns: tuple[str, ...]
    """that it needs; `optional` ones help"""
    says: str
    """the mapping in words"""
    codes: Callable[[Columns], Codes]
    optional: tuple[str, ...] = ()


def class_of(table: Any, label_set: str) -> Codes:
    """(n,) codes of the classes that a table's labels stand for.

    `table` gives its columns by name: Arrow, pandas, astropy, or a mapping of arrays. Raises
    NotFoundError for an unknown set, ColumnError where the table lacks its columns.

    >>> class_of({"class": ["QSO", "STAR"]}, "sdss").tolist()
    [6, 10]
    """
    from skyquarry.catalog.rolekeys import nearest

    chosen = LABEL_SETS.get(label_set)
    if chosen is None:
        raise NotFoundError(
            f"label set is {label_set!r}, but there is none of that name: "
            f"{nearest(label_set, LABEL_SETS)}"
        )
    here = list(getattr(table, "column_names", None) or getattr(table, "colnames", None) or table)
    missing = [name for name in chosen.columns if name not in here]
    if missing:
        raise ColumnError(
            f"the label set {label_set!r} needs the column {missing[0]!r}, but the table has "
            f"{', '.join(map(str, here[:12]))}: rename the column that it is"
        )
    wanted = (*chosen.columns, *(name for name in chosen.optional if name in here))
    return chosen.codes({name: _array(table[name]) for name in wanted})


def _array(column: Any) -> NDArray[Any]:
    """Numbers as float64 with NaN for null, all else as text with "" for null."""
    told = column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)
    if isinstance(column, np.ma.MaskedArray):
        told = column.filled(np.nan if column.dtype.kind == "f" else "")
    if told.dtype.kind in "iufb":
        return told.astype(np.float64)
    return np.array(["" if _missing(each) else str(each).strip() for each in told], np.str_)


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124  NaN


def _each(values: NDArray[Any], mapping: Mapping[Any, Class]) -> Codes:
    """Codes of distinct values; unlabelled where the mapping is silent."""
    distinct, place = np.unique(values, return_inverse=True)
    codes = [mapping.get(each, Class.UNLABELLED) for each in distinct.tolist()]
    return np.array(codes, np.int8)[place.ravel()]


def _by(values: NDArray[Any], rule: Callable[[str], Class]) -> Codes:
    """Codes of distinct texts by a rule."""
    distinct, place = np.unique(values, return_inverse=True)
    return np.array([rule(each) for each in distinct.tolist()], np.int8)[place.ravel()]


# ------------------------------------------------------------------ spectra
_COARSE: Final = {"GALAXY": Class.GALAXY, "QSO": Class.QUASAR, "STAR": Class.STAR}
_LEAVES: Final = (
    (re.compile(r"(WD|D[ABCOQXZ]|CarbonWD)"), Class.WHITE_DWARF),
    (re.compile(r"CV"), Class.TRANSIENT),
    (re.compile(r"(W[NCR]|sd[OB]|PN)"), Class.OTHER),
    (re.compile(r"(d|sd|esd|usd)?[LTY](\d|dwarf|$)"), Class.BROWN_DWARF),
    (re.compile(r"(d|sd|esd|usd)[FGKM]\d?"), Class.MAIN_SEQUENCE),
    (re.compile(r"(F|GK|M)d_"), Class.MAIN_SEQUENCE),  # of X-ray sources in clusters
    (re.compile(r"(F|GK|M)g_"), Class.GIANT),
    (re.compile(r"Carbon"), Class.STAR),
)
_MORGAN_KEENAN: Final = re.compile(
    r"([OBAFGKM])(?![A-HJ-UW-Z]{2})[\d./-]*\s*((?:III|II|IV|I|V)(?:[ab]|ab)?(?:/(?:III|II|IV|I|V))*)?"
)


def of_spectral_type(text: str) -> Class:
    """The class that a spectral type of a star tells; `STAR` where it tells no luminosity.

    IV of G, K and M is left open, as it stands on both sides of our line of giants.
    """
    told = text.strip()
    for pattern, own in _LEAVES:
        if pattern.match(told):
            return own
    found = _MORGAN_KEENAN.match(told)
    if found is None:
        return Class.UNLABELLED
    classes = {each.rstrip("ab") for each in (found[2] or "").split("/")}
    if classes <= {"V"} or (found[1] in "OBAF" and classes <= {"IV", "V"}):
        return Class.MAIN_SEQUENCE
    return Class.GIANT if classes <= {"I", "II", "III"} else Class.STAR


def _spectra(table: Columns) -> Codes:
    """Class and subclass of SDSS's and LAMOST's pipelines; log g decides among stars."""
    found = _each(np.char.upper(table["class"]), _COARSE)
    if "subclass" in table:
        leaf = _by(table["subclass"], of_spectral_type)
        told = (found == Class.STAR) & (leaf > 0)
        found[told] = leaf[told]
    if "logg" in table:
        gravity = np.where(np.abs(table["logg"]) < 10, table["logg"], np.nan)
        leaf = of_star(table.get("teff", np.full(len(found), np.nan)), gravity)
        open_ = np.isin(found, (Class.STAR, Class.MAIN_SEQUENCE, Class.GIANT))
        told = open_ & (leaf > 0) & (leaf != Class.STAR)
        found[told] = leaf[told]
    return found


def _vvds(table: Columns) -> Codes:
    """VVDS and zCOSMOS: redshift 0 is a star, flags of 10 to 19 and 210 to 219 broad lines."""
    flags = table["ds_spectra.ZFLAGS"]
    found = np.full(len(flags), Class.GALAXY, np.int8)
    found[(flags // 10 == 1) | (flags // 10 == 21)] = Class.QUASAR
    found[np.abs(table["ds_spectra.Z"]) < 1e-3] = Class.STAR
    return found


# ------------------------------------------------------------------ ultracool and white dwarfs
def _simple(table: Columns) -> Codes:
    """SIMPLE counts M0 as 60 and L0 as 70."""
    code = table["spt_code"]
    found = np.full(len(code), Class.UNLABELLED, np.int8)
    found[(code >= 60) & (code < 70)] = Class.MAIN_SEQUENCE
    found[code >= 70] = Class.BROWN_DWARF
    return found


_TYPES_OF_JPLUS: Final = tuple(
    f"sp_type_{each}"
    for each in ("simbad", "panstarrs", "smart", "zhang2009", "zhang2010", "schmidt")
)


def _jplus(table: Columns) -> Codes:
    """The first spectral type that is told: not those of photometry alone (ph_type_...)."""
    found = np.full(len(next(iter(table.values()))), Class.UNLABELLED, np.int8)
    for name in _TYPES_OF_JPLUS:
        told = _by(table[name], lambda text: of_spectral_type(re.sub("^([MLT].*)$", r"d\1", text)))
        empty = found == Class.UNLABELLED
        found[empty] = told[empty]
    return found


def _all(wanted: Class) -> Callable[[Columns], Codes]:
    return lambda table: np.full(len(next(iter(table.values()))), wanted, np.int8)


# ------------------------------------------------------------------ X-rays
def _muwclass(table: Columns) -> Codes:
    """Classes of Chandra sources; SIMBAD's words in SubClass tell quasars and luminosities."""
    labels = np.char.upper(table["Class"])
    of_label = {
        "YSO": Class.OTHER, "NS": Class.OTHER, "LMXB": Class.OTHER, "HMXB": Class.OTHER,
        "CV": Class.TRANSIENT, "AGN": Class.UNLABELLED,
        "LM-STAR": Class.STAR, "HM-STAR": Class.STAR,
    }  # fmt: skip
    found = _each(labels, of_label)
    if "SubClass" in table:
        words = table["SubClass"]
        agn, star = labels == "AGN", np.isin(labels, ("LM-STAR", "HM-STAR"))
        found[agn] = _by(words, _nucleus)[agn]
        leaf = _by(words, _first_type)
        told = star & ~np.isin(leaf, (Class.STAR, Class.UNLABELLED, Class.BROWN_DWARF))
        found[told] = leaf[told]
    return found


def _nucleus(words: str) -> Class:
    """A quasar, BL Lac object or Seyfert 1; else a galaxy with an active nucleus."""
    bright = words[:1] in {"Q", "B"} or re.search(r"QSO|Sy1|BLL|Bla", words)
    return Class.QUASAR if bright else Class.GALAXY


def _first_type(words: str) -> Class:
    return Class.OTHER if "WR*" in words else of_spectral_type(words.partition(";")[0])


# ------------------------------------------------------------------ variables
def _changing(types: NDArray[Any], amplitude: Any) -> Codes:
    """Transient where variability dominates; else the family's own class, or nothing."""
    found = _by(types, _quiet)
    found[variable(types, amplitude)] = Class.TRANSIENT
    return found


def _quiet(name: str) -> Class:
    """The class of a variable by its type, were it to change little."""
    family = re.split(r"[ /:]", name.upper())[0]
    for pattern, own in _QUIET:
        if re.match(pattern, family):
            return own
    return Class.STAR if family and not re.match(r"SN|CST|\*|S$", family) else Class.UNLABELLED


_QUIET: Final = (
    (r"(QSO|AGN|BLAZAR|BLLAC)", Class.QUASAR),
    (r"(IN|IT|INT|IS|YSO|TTS|FU|WR|RPHS|GCAS|ZAND|X[A-Z]*$)", Class.OTHER),
    (r"(ASTEROID)", Class.OTHER),
    (
        r"(M|LPV|SR|SRV|OSARG|LB|LC|L|RR|RRLYR|RRL|DCEP|CEP|CW|T2CEP|ACEP|RV|RCB)[A-Z]*$",
        Class.GIANT,
    ),
    (r"(ZZ)", Class.WHITE_DWARF),
    (r"(UV|DSCT|GDOR|SXPHE|BY|BCEP)", Class.MAIN_SEQUENCE),
)
_LARGE: Final = r"(M|RR|RRAB|RRC|DCEP|CWA|CWB|CW|RV[AB]?|RCB|FU|SRA)$"
"""GCVS types whose amplitudes in V exceed 0.3 mag by definition, or always as observed"""
_LINEAR: Final = {1: "RRAB", 2: "RRC", 3: "EA", 4: "EA", 5: "EW", 6: "SXPHE", 7: "LPV", 8: "RRAB"}


def _linear(table: Columns) -> Codes:
    types = np.array([_LINEAR.get(int(each), "*") for each in table["LCtype"]], np.str_)
    return _changing(types, table["Ampl"])


def _gcvs(table: Columns) -> Codes:
    """GCVS lists no amplitudes here: types that are large by definition, else unlabelled."""
    types = table["VarType"]
    large = _by(types, lambda name: Class(8 if re.match(_LARGE, name.rstrip(": ")) else -1)) == 8
    found = _changing(types, np.where(large, np.inf, np.nan))
    found[(found != Class.TRANSIENT) & (found != Class.OTHER)] = Class.UNLABELLED
    return found


def _alerts(name: str) -> Callable[[Columns], Codes]:
    """Classes of transients and of alert brokers: an alert told that they change."""
    rule = lambda word: Class.UNLABELLED if not word else (  # noqa: E731
        Class.OTHER if re.match("YSO|CV Candidate", word)
        else Class.QUASAR if re.match("QSO|AGN|Blazar", word)
        else Class.TRANSIENT if re.match("SN|SLSN|TDE|CV|Nova|RRL|CEP|LPV", word)
        else Class.STAR
    )  # fmt: skip
    return lambda table: _by(table[name], rule)


def _sets(sets: Iterable[LabelSet]) -> dict[str, LabelSet]:
    return {each.name: each for each in sets}


def _ours(table: Columns) -> Codes:
    """Words of `Class.label`, however they are joined and spelled; no other is let through."""
    known = {each.label: each for each in Class if each is not Class.UNLABELLED}
    plain = {word: re.sub(r"[\s-]+", "_", word.lower()) for word in set(table["class"].tolist())}
    strange = sorted(word for word, name in plain.items() if name and name not in known)
    if strange:
        raise ColumnError(
            f"the column 'class' has {', '.join(map(repr, strange[:4]))}, but the label set "
            f"'classes' knows {', '.join(known)}: write one of these, or leave the row empty"
        )
    return _by(table["class"], lambda word: known.get(plain[word], Class.UNLABELLED))


LABEL_SETS: Final = _sets((
    LabelSet("classes", "these classes, by their names", ("class",),
             "main_sequence (or Main Sequence) ... as in the table above, star and other too; "
             "any other word is an error", _ours),
    LabelSet("sdss", "SDSS spectra (DR14, DR17 tables)", ("class",),
             "GALAXY galaxy, QSO quasar, STAR star; of stars the subclass: WD* white dwarf, L and "
             "T brown dwarf, CV transient, luminosity V main sequence, I to III giant", _spectra,
             ("subclass", "logg", "teff")),
    LabelSet("lamost", "LAMOST spectra", ("class",),
             "as SDSS; a star with log g is a giant or on the main sequence by the line of giants",
             _spectra, ("subclass", "logg", "teff")),
    LabelSet("simple", "SIMPLE ultracool dwarfs", ("spt_code",),
             "L0 and later (spt_code 70) brown dwarf, M main sequence, no type unlabelled",
             _simple),
    LabelSet("jplus_ultracool", "J-PLUS ultracool dwarfs", _TYPES_OF_JPLUS,
             "the first spectral type told: L0 and later brown dwarf, M main sequence; types "
             "from photometry are no label", _jplus),
    LabelSet("white_dwarfs", "Gaia and SDSS white dwarfs", ("spectype",),
             "every row white dwarf", _all(Class.WHITE_DWARF)),
    LabelSet("muwclass", "MUWCLASS, Chandra sources", ("Class",),
             "AGN: quasar where SubClass says QSO, Seyfert 1 or BL Lac, else galaxy (unlabelled "
             "without SubClass); LM-STAR, HM-STAR: by spectral type, else star; CV transient; "
             "YSO, NS, LMXB, HMXB, Wolf-Rayet stars other", _muwclass, ("SubClass",)),
    LabelSet("point_sources", "SDSS point sources (Feigelson & Babu)", ("Class",),
             "1 quasar, 2 star, 3 white dwarf", lambda table: _each(
                 table["Class"], {1: Class.QUASAR, 2: Class.STAR, 3: Class.WHITE_DWARF})),
    LabelSet("sdss_dr5_qso", "SDSS DR5 quasars", ("SDSS",), "every row quasar",
             _all(Class.QUASAR)),
    LabelSet("gst_galaxies", "SDSS galaxies with 2MASS", ("MODELFLUX_2",), "every row galaxy",
             _all(Class.GALAXY)),
    LabelSet("shapley_galaxies", "Shapley supercluster", ("Vel",), "every row galaxy",
             _all(Class.GALAXY)),
    LabelSet("vvds", "VVDS and zCOSMOS", ("ds_spectra.Z", "ds_spectra.ZFLAGS"),
             "redshift 0 star, flags of broad lines (1x, 21x) quasar, else galaxy", _vvds),
    LabelSet("linear", "LINEAR variables", ("LCtype", "Ampl"),
             "transient from 0.3 mag in Ampl; else RR Lyrae and long-period variables giant, "
             "SX Phe main sequence, eclipsing pairs star", _linear),
    LabelSet("ogle3", "OGLE-III variables", ("Type", "A_1"),
             "transient from 0.3 mag in A_1 (in I); else giant, DSCT main sequence, DPV star",
             lambda table: _changing(table["Type"], table["A_1"])),
    LabelSet("gcvs", "General Catalogue of Variable Stars", ("VarType",),
             "without amplitudes: supernovae, novae, UG, and types of large amplitude (M, RR, "
             "DCEP, CW, RV, RCB, SRA) transient; young stars and X-ray pairs other; else "
             "unlabelled",
             _gcvs),
    LabelSet("alerce", "ALeRCE light-curve classes", ("classALeRCE",),
             "supernovae, CV/Nova, RRL, CEP, LPV transient; QSO, AGN, Blazar quasar; YSO other; "
             "the rest star", _alerts("classALeRCE")),
    LabelSet("ztf_spectra", "ZTF transients with spectra", ("LABEL",),
             "supernovae, TDE, CV, Nova transient; AGN quasar", _alerts("LABEL")),
))  # fmt: skip
"""{name: set}: what `class_of` knows"""
