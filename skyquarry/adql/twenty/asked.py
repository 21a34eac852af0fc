"""What one of the twenty queries is made of, and where they look."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Boxes:
    """Where the queries look: degrees, as the report of 2002 has them."""

    cone: tuple[float, float] = (185.0, -0.5)
    """the middle of query 1"""
    cone_arcmin: float = 1.0
    reddened: float = 0.175
    """query 3"""
    southern: tuple[float, float] = (170.0, 190.0)
    """right ascensions of query 2"""
    grid: tuple[float, float, float, float] = (175.0, 185.0, -5.0, 5.0)
    """right ascensions and declinations of query 12"""
    red: tuple[float, float, float, float] = (160.0, 170.0, -5.0, 5.0)
    """of query 20"""

    @classmethod
    def of_2000(cls) -> Boxes:
        """As the paper of 2000 has them: one arc second, dust of 0.75, fields further north."""
        return cls(
            cone_arcmin=1.0 / 60.0, reddened=0.75, grid=(200.0, 210.0, 60.0, 70.0),
            red=(160.0, 170.0, 25.0, 35.0),
        )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One query: ADQL whose conditions stand one by one, so that each can be left out."""

    name: str
    """its number; -2002 where the constants are those of the report, A and B its variants"""
    title: str
    select: str
    tables: str
    where: tuple[str, ...] = ()
    tail: str = ""
    """GROUP BY, HAVING, ORDER BY"""
    reading: str = ""
    """which reading was chosen, where the text leaves it open or the tables cannot give it"""
    before: str = ""
    """WITH ..."""

    @property
    def adql(self) -> str:
        """The text."""
        parts = [self.before, f"SELECT {self.select}", f"FROM {self.tables}"]
        if self.where:
            parts.append("WHERE " + "\n  AND ".join(self.where))
        return "\n".join(part for part in (*parts, self.tail) if part)

    def without(self, number: int) -> Asked:
        """The same with one condition left out."""
        return replace(self, where=self.where[:number] + self.where[number + 1 :])


def within(box: tuple[float, float, float, float], of: str = "") -> tuple[str, str]:
    """Conditions of a box in right ascension and declination."""
    ra0, ra1, dec0, dec1 = box
    return f"{of}ra BETWEEN {ra0} AND {ra1}", f"{of}dec BETWEEN {dec0} AND {dec1}"
