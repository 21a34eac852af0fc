"""All of the twenty queries, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyquarry.adql.twenty.asked import Asked, Boxes
from skyquarry.adql.twenty.others import neighbouring, spectroscopic
from skyquarry.adql.twenty.photometry import photometric

if TYPE_CHECKING:
    from collections.abc import Iterator


def twenty(boxes: Boxes | None = None, *, paper: Boxes | None = None) -> dict[str, Asked]:
    """{name: query}: 1 to 20 as of 2000, then as of 2002, with the variants 10A, 12mask, 15B.

    `boxes`: where those of 2002 look, `paper`: where those of 2000 do; as published by default.
    """
    told = [*_of(paper or Boxes.of_2000(), paper=True), *_of(boxes or Boxes(), paper=False)]
    return {each.name: each for each in sorted(told, key=_order)}


def _of(at: Boxes, *, paper: bool) -> Iterator[Asked]:
    yield from photometric(at, paper=paper)
    yield from spectroscopic(paper=paper)
    yield from neighbouring(at, paper=paper)


def _order(query: Asked) -> tuple[bool, int, str]:
    number = "".join(letter for letter in query.name.partition("-")[0] if letter.isdigit())
    return query.name.endswith("-2002"), int(number), query.name
