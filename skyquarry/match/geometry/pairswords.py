"""A pairs plan and its run in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skyquarry.engine.cost import in_bytes, in_time
from skyquarry.engine.executors import cpu_count
from skyquarry.match.geometry.prediction import rows_within

if TYPE_CHECKING:
    from skyquarry.match.geometry.pairs import PairsNode
    from skyquarry.match.geometry.radii import Radius
    from skyquarry.match.given.sides import Side

_HOW = {
    "inner": "pairs only",
    "left": "and left rows without one",
    "outer": "and rows of either side without one",
    "anti": "of them nothing: the left rows without one",
}


def lines_of(node: PairsNode, workers: int | None = None) -> list[str]:
    """What will be read and joined, one line a matter."""
    cost, n = node.cost(workers), workers or cpu_count()
    lines = [f"pairs of {node.left.name} and {node.right.name} within {_radius(node)}"]
    if node.rule.same:
        once = "both ways" if node.rule.both else "each once"
        lines = [f"pairs within {node.left.name}, {once}, within {_radius(node)}"]
    lines.append(f"  keeps    {_kept(node)}, {_HOW[node.rule.how]}")
    for word, side in zip(("left", "right"), node.sides, strict=True):
        if side is node.left or not node.rule.same:
            lines.append(f"  {word:<8} {_side(side)}")
            lines += [f"           {note}" for note in side.notes]
    lines.append(f"  tasks    {len(node):,}, one a part of the sky")
    lines.append(f"  reads    about {cost.rows:,} rows, {in_bytes(cost.bytes)}")
    lines.append(f"  within   about {node.predicted_pairs:,} pairs by the densities of the tiles")
    lines.append(f"  gives    about {cost.rows_out:,} rows, {len(node.schema)} columns")
    lines.append(f"  takes    about {in_time(cost.seconds)} on {n} worker{'s' if n > 1 else ''}")
    return lines + [f"  warning  {each}" for each in warnings_of(node)]


def _radius(node: PairsNode) -> str:
    parts = [_one_radius(node.left_radius, node.left)]
    if node.right_radius.column is not None or node.right_radius.arcsec > 0.0:
        parts.append(_one_radius(node.right_radius, node.right))
    return " + ".join(parts)


def _one_radius(radius: Radius, side: Side) -> str:
    if radius.column is None:
        return f"{radius.arcsec:g} arcsec"
    return f"{side.name}.{radius.column} (at most {radius.arcsec:g} arcsec)"


def _kept(node: PairsNode) -> str:
    rule = node.rule
    if rule.keep == "all":
        return "all pairs" if rule.k is None else f"the {rule.k} nearest of each left row"
    return {
        "best": "the nearest of each left row",
        "mutual": "pairs that are each other's nearest",
    }[rule.keep]


def _side(side: Side) -> str:
    aside = f", {side.n_placeless:,} of them without a position" if side.n_placeless else ""
    where = "in memory" if side.in_memory else f"in {len(side.tiles):,} tiles"
    return f"{side.name}: {side.n_rows:,} rows {where}{aside}"


def warnings_of(node: PairsNode) -> list[str]:
    """What should be doubted before any row is read."""
    found = []
    if node.predicted_pairs > node.limit_pairs:
        forced = "it was forced" if node.force else "run() will refuse it without force=True"
        found.append(f"more than {node.limit_pairs:,} pairs are predicted: {forced}")
    if not _meet(node):
        found.append(
            f"{node.left.name} and {node.right.name} do not overlap on the sky: is the unit or the "
            "frame of one of them another?"
        )
    return found


def _meet(node: PairsNode) -> bool:
    """Whether any right row may lie in a left tile; true where one side has no row at all."""
    left, right = node.left.tiles, node.right.tiles
    if not len(left) or not len(right) or node.rule.same:
        return True
    return bool(len(node.units)) and bool(
        rows_within(right, node.units.starts, node.units.stops).any() or _touch(node)
    )


def _touch(node: PairsNode) -> bool:
    """Whether a left tile lies within the radius of a right one."""
    from skyquarry.sky.dilation import dilated
    from skyquarry.sky.ranges import Ranges

    right = node.right.tiles
    grown = dilated(Ranges(right.starts, right.stops), node.radius_arcsec)
    return bool(len(node.left.tiles.overlapping(grown)))


def report_of(node: PairsNode, counts: dict[str, int]) -> dict[str, Any]:
    """What a run found: pairs, rows of the left side with and without one, rows set aside."""
    told: dict[str, Any] = {
        "pairs": counts.get("pairs", 0),
        "left_rows": counts.get("left_rows", 0),
        "left_alone": counts.get("left_alone", 0),
        "radius_arcsec": node.radius_arcsec,
    }
    if node.rule.how == "outer":
        told["right_alone"] = counts.get("right_alone", 0)
    told["set_aside"] = {
        word: _set_aside(side, word, counts)
        for word, side in zip(("left", "right"), node.sides, strict=True)
        if side is node.left or not node.rule.same
    }
    told["notes"] = [note for side in dict.fromkeys(node.sides) for note in side.notes]
    told["warnings"] = warnings_of(node)
    told["predicted_pairs"] = node.predicted_pairs
    return told


def _set_aside(side: Side, word: str, counts: dict[str, int]) -> dict[str, int]:
    """Why rows of a side could not match, and how many."""
    found = side.set_aside
    if not side.in_memory and counts.get(f"{word}_no_place"):
        found["no usable position"] = counts[f"{word}_no_place"]
    if counts.get(f"{word}_no_radius"):
        found["no radius"] = counts[f"{word}_no_radius"]
    return found
