"""Real objects with labels, and the features of them that benchmarks/learn.py learns from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from skyquarry.learn.examples import Examples
from skyquarry.learn.splits import sky_groups

LABELS = Path(__file__).resolve().parents[2] / "shared" / "data" / "labels"
UGRIZ = ("u", "g", "r", "i", "z")


@dataclass(frozen=True)
class Task:
    """Labelled objects. `ours` and `theirs` differ in features alone."""

    name: str
    ours: Examples
    theirs: Examples
    rival: str
    """the one that the notes name as the one to beat"""
    to_reach: dict[str, float]
    """of the whole set, from the notes: what the open part is compared with by eye"""


def sdss17(blank: float = 0.0) -> Task:
    table = read("sdss_dr17_10k")
    good = table["u"] > -9000
    table = {name: column[good] for name, column in table.items()}
    groups = sky_groups(table["alpha"], table["delta"], 4)
    table |= blanked(table, UGRIZ, blank)
    made = examples(colours(table, UGRIZ), table["class"], groups)
    return Task(
        "sdss_dr17", made, made, "stack", {"accuracy": 0.880, "macro_f1": 0.844, "log_loss": 0.337}
    )


def sdss14(blank: float = 0.0) -> Task:
    table = read("sdss_dr14_10k")
    groups = sky_groups(table["ra"], table["dec"], 5)
    table |= blanked(table, UGRIZ, blank)
    made = examples(colours(table, UGRIZ), table["class"], groups)
    return Task(
        "sdss_dr14", made, made, "stack", {"accuracy": 0.9704, "macro_f1": 0.9602, "log_loss": 0.1}
    )


def ptsrc(blank: float = 0.0) -> Task:
    table = read("sdss_ptsrc_qso_star_wd")
    names = ("u_g", "g_r", "r_i", "i_z")
    table |= blanked(table, names, blank)
    theirs = {name: table[name] for name in names}
    ours = dict(theirs)
    for first, last in combinations(range(4), 2):
        ours[f"{names[first][0]}_{names[last][2]}"] = sum(
            table[name] for name in names[first : last + 1]
        )
    words = np.array(["", "QSO", "STAR", "WD"])[table["Class"]]
    return Task("ptsrc", examples(ours, words, None), examples(theirs, words, None), "stack",
                {"accuracy": 0.984, "macro_f1": 0.979, "log_loss": 0.0522})  # fmt: skip


MUW = (
    "GAIA_Plx", "GAIA_e_Plx", "GAIA_PM", "GAIA_pmRA", "GAIA_pmDE", "GAIA_e_PM", "GAIA_epsi",
    "Gmag", "BPmag", "RPmag", "e_Gmag", "e_BPmag", "e_RPmag", "E_BP_RP_", "rgeo", "b_rgeo",
    "B_rgeo", "rpgeo", "b_rpgeo", "B_rpgeo", "Jmag", "e_Jmag", "Hmag", "e_Hmag", "Kmag", "e_Kmag",
    "W1mag", "e_W1mag", "W2mag", "e_W2mag", "W3mag", "e_W3mag", "var_intra_prob",
    "var_inter_prob", "significance", "powlaw_gamma_mean", "e_powlaw_gamma_mean",
)  # fmt: skip
FLUXES = ("Fcsc_s", "Fcsc_m", "Fcsc_h", "Fcsc_b")
PAIRS = (
    ("BPmag", "RPmag"), ("BPmag", "Gmag"), ("Gmag", "RPmag"), ("Gmag", "Jmag"), ("RPmag", "Jmag"),
    ("Jmag", "Hmag"), ("Hmag", "Kmag"), ("Jmag", "Kmag"), ("Kmag", "W1mag"), ("W1mag", "W2mag"),
    ("W2mag", "W3mag"), ("W1mag", "W3mag"), ("Gmag", "W1mag"), ("Gmag", "Kmag"), ("Kmag", "W2mag"),
)  # fmt: skip


def muwclass() -> Task:
    table = read("muwclass_8class")
    with np.errstate(all="ignore"):
        made = {name: table[name] for name in MUW}
        flux = {name: table[name] for name in FLUXES}
        made |= {f"log {name}": np.log10(values) for name, values in flux.items()}
        soft, medium, hard = (flux[name] for name in FLUXES[:3])
        made["(h-s)/(h+s)"] = (hard - soft) / (hard + soft)
        made["(m-s)/(m+s)"] = (medium - soft) / (medium + soft)
        made["(h-m)/(h+m)"] = (hard - medium) / (hard + medium)
        made |= {f"{a}-{b}": table[a] - table[b] for a, b in PAIRS}
        for band in ("Gmag", "Jmag", "W1mag"):
            made[f"log X/{band}"] = np.log10(flux["Fcsc_b"]) + 0.4 * table[band]
        made["plx/e"] = table["GAIA_Plx"] / table["GAIA_e_Plx"]
        made["pm/e"] = table["GAIA_PM"] / table["GAIA_e_PM"]
        made["M_G"] = table["Gmag"] - 5.0 * np.log10(table["rgeo"]) + 5.0
        made["log L_X"] = np.log10(flux["Fcsc_b"]) + 2.0 * np.log10(table["rgeo"])
    groups = sky_groups(table["ra"], table["dec"], 6)
    both = examples(made, table["Class"], groups)
    rival = "vote of forest and boosters"
    to_reach = {"accuracy": 0.917, "macro_f1": 0.726, "log_loss": 0.261}
    return Task("muwclass", both, both, rival, to_reach)


BLANKED = ("sdss_dr17", "sdss_dr14", "ptsrc")
"""tasks whose cells are blanked; MUWCLASS lacks a third of its own"""
TASKS = {"sdss_dr17": sdss17, "sdss_dr14": sdss14, "ptsrc": ptsrc, "muwclass": muwclass}


def read(name: str) -> dict[str, Any]:
    table = pq.read_table(LABELS / f"{name}.parquet")
    return {each: table[each].to_numpy() for each in table.column_names}


def blanked(table: dict[str, Any], names: tuple[str, ...], share: float) -> dict[str, Any]:
    """These columns without a share of their cells, drawn at random."""
    random = np.random.default_rng(5)
    return {
        name: np.where(random.random(len(table[name])) < share, np.nan, table[name])
        for name in names
    }


def colours(table: dict[str, Any], bands: tuple[str, ...]) -> dict[str, Any]:
    """The magnitudes and all colours of them."""
    made = {band: table[band] for band in bands}
    return made | {f"{a}-{b}": table[a] - table[b] for a, b in combinations(bands, 2)}


def examples(columns: dict[str, Any], labels: Any, groups: Any) -> Examples:
    values = np.stack([np.asarray(each, np.float64) for each in columns.values()], axis=1)
    return Examples.of(values, tuple(columns), labels, groups=groups)
