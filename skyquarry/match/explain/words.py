"""An explanation of one row in words, from its plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, repr=False)
class Telling:
    """Why one row was matched, or not: `str()` for people, `to_dict()` for programs."""

    data: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain data: numbers, texts, lists and dicts, None for what is not known."""
        return self.data

    @property
    def group_id(self) -> str:
        """The group that the row is in; its own where it is alone."""
        return str(self.data["group_id"])

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """Every candidate, with offsets at the epoch compared, evidence and probability."""
        return list(self.data["candidates"])

    def __str__(self) -> str:
        return "\n".join(said(self.data))

    __repr__ = __str__


def said(data: dict[str, Any]) -> list[str]:
    """The lines of an explanation."""
    lines = [_verdict(data), *_place(data)]
    lines += [line for each in _by_probability(data["candidates"]) for line in _candidate(each)]
    for name in _without(data):
        lines.append(f"{name}: {_absence(data, name)}")
    if data.get("beyond"):
        lines.append("nearest rows that are no candidates:")
        lines += [
            f"  {b['catalog']} {b['id']} at {b['sep_arcsec']:.4g} arcsec{_when(b)}: {b['why']}"
            for b in data["beyond"]
        ]
    return lines + _competing(data) + _priors(data)


def _verdict(data: dict[str, Any]) -> str:
    row = f"{data['catalog']} {data['id']}"
    if data.get("same_id", 1) > 1:
        row += f" (one of {data['same_id']} rows of this id)"
    matched = [each for each in data["candidates"] if each["is_match"]]
    if matched:
        others = ", ".join(f"{m['catalog']} {m['id']}" for m in matched)
        told = f"{row} is matched with {others}: group {data['group_id']}"
        return f"{told}, P = {_probability(data['posterior'])}"
    alone = f"{row} is alone, P = {_probability(data['p_none'])}"
    if data["candidates"]:
        best = max(data["candidates"], key=lambda each: each["posterior"])
        why = _rejected(best)
        return f"{alone}: it has {_count(data['candidates'], 'candidate')}, but {why}"
    return f"{alone}: {data['reason'] or 'no candidate'}"


def _place(data: dict[str, Any]) -> list[str]:
    if "calibration" not in data:
        return []
    mag = "" if data["mag"] is None else f", magnitude {data['mag']:.3f}"
    epoch = "" if data["epoch"] is None else f", epoch J{data['epoch']:.2f}"
    mine = data["calibration"]
    line = f"at ra {data['ra']:.7f}, dec {data['dec']:+.7f}{epoch}{mag}"
    error = f"error {mine['error_before_arcsec']:.4g} arcsec"
    if mine["error_after_arcsec"] != mine["error_before_arcsec"]:
        error += f", {mine['error_after_arcsec']:.4g} after calibration"
    if mine["east_arcsec"] or mine["north_arcsec"]:
        error += (
            f"; moved by {1e3 * mine['east_arcsec']:+.3g}, {1e3 * mine['north_arcsec']:+.3g} mas"
        )
    flags = f"; flags {', '.join(data['flags'])}" if data["flags"] else ""
    return [f"  {line}", f"  {error}{flags}"]


def _candidate(each: dict[str, Any]) -> list[str]:
    told = "accepted" if each["is_match"] else f"rejected: {_rejected(each)}"
    first = (
        f"{each['catalog']} {each['id']}: {each['sep_arcsec']:.4g} arcsec{_when(each)} "
        f"({each['east_arcsec']:+.4g} east, {each['north_arcsec']:+.4g} north), "
        f"chi2 {each['chi2']:.3g}, P = {_probability(each['posterior'])}; {told}"
    )
    if each["ln_gain"] is None:
        return [
            first,
            f"  ln odds: positions {each['lnB_pos']:+.2f}; the pair was not listed alone",
        ]
    phot = "" if not each["lnB_phot"] else f", magnitudes together {each['lnB_phot']:+.2f}"
    flags = f"; flags {', '.join(each['flags'])}" if each["flags"] else ""
    odds = f"  ln odds {each['ln_gain']:+.2f} = positions {each['lnB_pos']:+.2f}{phot}"
    return [first, f"{odds}, densities {each['ln_prior']:+.2f}{flags}"]


def _rejected(each: dict[str, Any]) -> str:
    gain, home = each["ln_gain"], each.get("group_of_other")
    if gain is not None and gain < 0.0:
        return "two objects that lie together by chance are more probable"
    if home:
        return f"{each['catalog']} {each['id']} fits better in the group {home}"
    return "another arrangement of the rows is more probable"


def _without(data: dict[str, Any]) -> list[str]:
    """Catalogues in which the row has no candidate."""
    there = {each["catalog"] for each in data["candidates"]}
    return [name for name in data.get("footprint", {}) if name not in there]


def _absence(data: dict[str, Any], name: str) -> str:
    place = data["footprint"][name]
    by = {"estimate": "by an estimate from its counts", "user": "by the user's map"}.get(
        place["known_by"], "by the survey's own map"
    )
    if not place["observed"]:
        return f"not observed here, {by}: that it has no row says nothing"
    rim = ", at the rim of it" if place["at_rim"] else ""
    return f"absent: it looked here ({by}{rim}), and no row agrees within the errors"


def _competing(data: dict[str, Any]) -> list[str]:
    groups = data.get("groups", [])
    if len(groups) < 2:
        return []
    size = sum(data["island_rows"].values())
    how = "" if data["exact"] else ", by a heuristic: the island is too large to be exact"
    lines = [f"groups of its island ({size} rows, {data['n_groups']} groups{how}):"]
    for group in groups:
        members = " + ".join(f"{m['catalog']} {m['id']}" for m in group["members"])
        mark = "*" if group["chosen"] else " "
        alone = len(group["members"]) == 1
        weight = "" if alone else f", ln odds {group['ln_weight']:+.2f}"
        lines.append(f" {mark} P = {_probability(group['posterior'])}{weight}: {members}")
    if data["n_groups"] > len(groups):
        lines.append(f"   and {data['n_groups'] - len(groups)} more, less probable")
    return lines


def _priors(data: dict[str, Any]) -> list[str]:
    if "densities_per_deg2" not in data:
        return []
    told = ", ".join(f"{name} {n:.4g}" for name, n in data["densities_per_deg2"].items())
    return [
        f"densities here, per deg2, of objects in exactly: {told}",
        f"calibration of {data['calibration']['words']}",
    ]


def _by_probability(candidates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(candidates, key=lambda each: (not each["is_match"], -each["posterior"]))


def _when(each: dict[str, Any]) -> str:
    return "" if each.get("epoch_used") is None else f" at J{each['epoch_used']:.2f}"


def _count(things: list[Any], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _probability(value: float | None) -> str:
    if value is None:
        return "unknown"
    if 0.999 < value < 1.0:
        return f"1 - {1.0 - value:.1e}"
    return f"{value:.3g}"
