"""Random queries by a grammar: each in ADQL, and in plain SQL for a database with the whole table.

The tables are `sky` (id, ra, dec, mag, pm, kind, flags, good), its child `lines` (sky_id,
wave, flux) and a short list `mine` (id, label, reach). Numbers are compared with constants of one
decimal, so that both sides read them alike; what has no one answer (the first n of no order) is
told apart by `any_of`.
"""

# ruff: noqa: S608  (the SQL is made of constants)

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

NUMBERS = ("mag", "pm", "dec", "ra", "flags", "id")


@dataclass(frozen=True, slots=True)
class Made:
    """One query in two languages."""

    adql: str
    sql: str
    """Of DuckDB, over tables of the same names."""
    ordered: bool
    """Whether the rows have one order."""
    any_of: str = ""
    """The SQL of all rows of which any will do, where TOP takes some of no order."""


class Grammar:
    """Makes queries: the same for the same seed."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def query(self) -> Made:
        """One query."""
        kind = self.random.choice(
            [
                "rows",
                "sorted",
                "groups",
                "groups",
                "all",
                "once",
                "first",
                "joined",
                "united",
                "nested",
            ]
        )
        made: Made = getattr(self, f"_{kind}")()
        return made

    # ------------------------------------------------------------ choices
    def _one(self, *some: Any) -> Any:
        return some[int(self.random.integers(len(some)))]

    def _chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def _number(self, name: str) -> str:
        spans = {
            "mag": (14, 25), "pm": (-40, 40), "dec": (-90, 90), "ra": (0, 360), "flags": (-8, 8),
            "id": (1, 12_000),
        }  # fmt: skip
        low, high = spans[name]
        value = low + (high - low) * float(self.random.random())
        return f"{value:.0f}" if name in ("flags", "id") else f"{value:.1f}"

    # ------------------------------------------------------------ conditions
    def _test(self, of: str = "") -> tuple[str, str]:
        """A condition on the sky's columns, in ADQL and SQL; `of`: the table's alias."""
        kind = self._one(
            "number", "number", "between", "text", "null", "listed", "circle", "junction", "not"
        )
        both: tuple[str, str] | str = getattr(self, f"_test_{kind}")(of)
        return both if isinstance(both, tuple) else (both, both)

    def _test_number(self, of: str) -> str:
        name = self._one(*NUMBERS)
        return f"{of}{name} {self._one('<', '>', '<=', '>=', '<>')} {self._number(name)}"

    def _test_between(self, of: str) -> str:
        name = self._one(*NUMBERS)
        low, high = sorted((self._number(name), self._number(name)), key=float)
        return f"{of}{name} BETWEEN {low} AND {high}"

    def _test_text(self, of: str) -> str:
        word = self._one("star", "galaxy", "Quasar")
        test: str = self._one(f"= '{word}'", "LIKE '%a%'", f"<> '{word}'")
        return f"{of}kind {test}"

    def _test_null(self, of: str) -> str:
        return f"{of}{self._one('mag', 'kind')} IS {self._one('', 'NOT ')}NULL"

    def _test_listed(self, of: str) -> str:
        values = ", ".join(self._number("flags") for _ in range(3))
        return f"{of}flags {self._one('', 'NOT ')}IN ({values})"

    def _test_circle(self, of: str) -> tuple[str, str]:
        ra, dec, radius = self._one(
            (0.0, 1.0, 1.5), (180.0, 88.0, 2.5), (40.0, -30.0, 20.0), (359.5, 0.5, 0.7)
        )
        chord = (
            f"2 * degrees(asin(sqrt(power(sin(radians({of}dec - {dec}) / 2), 2) + cos(radians"
            f"({of}dec)) * cos(radians({dec})) * power(sin(radians({of}ra - {ra}) / 2), 2))))"
        )
        circle = f"CIRCLE({ra}, {dec}, {radius})"
        return f"1 = CONTAINS(POINT({of}ra, {of}dec), {circle})", f"{chord} < {radius}"

    def _test_junction(self, of: str) -> tuple[str, str]:
        (a, b), (c, d) = self._test(of), self._test(of)
        word = self._one("AND", "OR")
        return f"({a} {word} {c})", f"({b} {word} {d})"

    def _test_not(self, of: str) -> tuple[str, str]:
        a, b = self._test(of)
        return f"NOT ({a})", f"NOT ({b})"

    def _where(self, of: str = "") -> tuple[str, str]:
        if self._chance(0.2):
            return "", ""
        a, b = self._test(of)
        return f" WHERE {a}", f" WHERE {b}"

    # ------------------------------------------------------------ values
    def _value(self, of: str = "") -> str:
        name = self._one("mag", "pm", "dec", "flags", "id")
        kind = self._one("plain", "plain", "sum", "function", "product")
        if kind == "sum":
            return f"{of}{name} + {of}{self._one('id', 'flags', 'dec')}"
        if kind == "product":
            return f"{of}{name} * 2 - 1"
        return f"ABS({of}{name})" if kind == "function" else f"{of}{name}"

    def _aggregate(self, of: str = "") -> str:
        word = self._one("COUNT", "SUM", "AVG", "MIN", "MAX", "*", "COUNT(DISTINCT", "MAX - MIN")
        if word == "*":
            return "COUNT(*)"
        if word == "COUNT(DISTINCT":
            return f"COUNT(DISTINCT {of}{self._one('flags', 'kind', 'mag')})"
        if word == "MAX - MIN":
            return f"MAX({of}pm) - MIN({of}pm)"
        return f"{word}({self._value(of)})"

    # ------------------------------------------------------------ queries
    def _rows(self) -> Made:
        items = ", ".join(["id", *(f"{self._value()} AS v{i}" for i in range(2))])
        a, b = self._where()
        if self._chance(0.5):
            name, way = self._one("mag", "pm", "v0", "kind"), self._one("", " DESC")
            top, offset = int(self.random.integers(1, 60)), int(self.random.integers(0, 20))
            order = f" ORDER BY {name}{way} NULLS LAST, id"
            return Made(
                f"SELECT TOP {top} {items} FROM sky{a} ORDER BY {name}{way}, id OFFSET {offset}",
                f"SELECT {items} FROM sky{b}{order} LIMIT {top} OFFSET {offset}",
                ordered=True,
            )
        if self._chance(0.5):
            top = int(self.random.integers(1, 4_000))
            every = f"SELECT {items} FROM sky{b}"
            return Made(
                f"SELECT TOP {top} {items} FROM sky{a}", f"{every} LIMIT {top}", False, every
            )
        return Made(f"SELECT {items} FROM sky{a}", f"SELECT {items} FROM sky{b}", ordered=False)

    def _sorted(self) -> Made:
        """All rows, or all but the first, in an order without ties."""
        first, way = self._one("mag", "-pm", "kind", "ABS(flags)"), self._one("", " DESC")
        items = self._one("id, pm", "mag * 2 AS m, id", "s.*")
        a, b = self._where("s.")
        offset = int(self.random.integers(0, 50))
        end = f" OFFSET {offset}" if self._chance(0.5) else ""
        return Made(
            f"SELECT {items} FROM sky s{a} ORDER BY {first}{way}, id DESC{end}",
            f"SELECT {items} FROM sky s{b} ORDER BY {first}{way} NULLS LAST, id DESC{end}",
            ordered=True,
        )

    def _groups(self) -> Made:
        by = self._one("kind", "flags", "kind, flags", "FLOOR(dec / 30)", "id")
        items = ", ".join(f"{self._aggregate()} AS a{i}" for i in range(3))
        a, b = self._where()
        having = self._one("", "", f" HAVING COUNT(*) > {self._one(1, 30, 500)}")
        if self._chance(0.4):
            names = by.split(", ")
            order = ", ".join(f"{name} NULLS LAST" for name in names)
            top = int(self.random.integers(1, 8))
            return Made(
                f"SELECT TOP {top} {by}, {items} FROM sky{a} GROUP BY {by}{having} ORDER BY {by}",
                f"SELECT {by}, {items} FROM sky{b} GROUP BY {by}{having} ORDER BY {order} LIMIT {top}",  # noqa: E501
                ordered=True,
            )
        return Made(
            f"SELECT {by}, {items} FROM sky{a} GROUP BY {by}{having}",
            f"SELECT {by}, {items} FROM sky{b} GROUP BY {by}{having}",
            ordered=False,
        )

    def _all(self) -> Made:
        items = ", ".join(f"{self._aggregate()} AS a{i}" for i in range(3))
        a, b = self._where()
        return Made(f"SELECT {items} FROM sky{a}", f"SELECT {items} FROM sky{b}", ordered=True)

    def _once(self) -> Made:
        items = self._one("kind", "flags, kind", "FLOOR(dec / 10) AS f", "flags * 2 AS f")
        a, b = self._where()
        one, other = f"SELECT DISTINCT {items} FROM sky{a}", f"SELECT DISTINCT {items} FROM sky{b}"
        return Made(one, other, ordered=False)

    def _first(self) -> Made:
        """The first so many, each once, in their order; maybe of groups."""
        items = self._one("flags, kind", "kind, good", "flags / 4, flags")
        a, b = self._where()
        by = self._one("", f" GROUP BY {items}")
        way = self._one(" DESC", "")
        top, offset = int(self.random.integers(1, 9)), int(self.random.integers(0, 4))
        theirs, groups = items.replace("/ 4", "// 4"), by.replace("/ 4", "// 4")
        return Made(
            f"SELECT DISTINCT TOP {top} {items} FROM sky{a}{by} ORDER BY 2{way}, 1 OFFSET {offset}",
            f"SELECT DISTINCT {theirs} FROM sky{b}{groups} "
            f"ORDER BY 2{way} NULLS LAST, 1 NULLS LAST LIMIT {top} OFFSET {offset}",
            ordered=True,
        )

    def _joined(self) -> Made:
        a, b = self._where("s.")
        what = self._one(
            ("s.id, wave, flux", ""),
            ("kind, COUNT(*) AS n, SUM(wave) AS w", " GROUP BY kind"),
            ("s.id, COUNT(wave) AS n", " GROUP BY s.id"),
        )
        join = self._one(
            "sky s JOIN lines l ON s.id = l.sky_id",
            "sky s LEFT JOIN lines l ON s.id = l.sky_id AND l.wave < 5",
            "lines l RIGHT JOIN sky s ON l.sky_id = s.id",
            "lines l LEFT JOIN sky s ON l.sky_id = s.id AND s.flags > 0",
            "sky s JOIN mine m ON s.id = m.id LEFT JOIN lines l ON l.sky_id = s.id",
            "(SELECT * FROM sky WHERE flags > 2) s JOIN lines l ON s.id = l.sky_id",
            "sky s JOIN lines l ON s.id = l.sky_id AND kind IN (SELECT kind FROM sky WHERE id < 9)",
            "sky s LEFT JOIN lines l ON s.id = l.sky_id "
            "AND NOT EXISTS (SELECT m.id FROM mine m WHERE m.id = l.sky_id)",
        )
        return Made(
            f"SELECT {what[0]} FROM {join}{a}{what[1]}",
            f"SELECT {what[0]} FROM {join}{b}{what[1]}",
            ordered=False,
        )

    def _united(self) -> Made:
        one, other = (self._one(self._once, self._narrow)() for _ in range(2))
        word = self._one("UNION", "UNION ALL", "EXCEPT", "INTERSECT")
        if one.adql.count(",") != other.adql.count(",") or self._kinds(one) != self._kinds(other):
            other = one
        adql, sql = f"{one.adql} {word} {other.adql}", f"{one.sql} {word} {other.sql}"
        if word == "UNION ALL" or self._chance(0.5):
            return Made(adql, sql, ordered=False)
        n = one.adql.partition(" FROM ")[0].count(",") + 1
        order = [f"{1 + place} {self._one('ASC', 'DESC')}" for place in range(n)]
        adql += f" ORDER BY {', '.join(order)} OFFSET 1"
        sql += f" ORDER BY {', '.join(f'{each} NULLS LAST' for each in order)} OFFSET 1"
        return Made(adql, sql, ordered=True)

    def _narrow(self) -> Made:
        a, b = self._where()
        return Made(f"SELECT kind FROM sky{a}", f"SELECT kind FROM sky{b}", ordered=False)

    @staticmethod
    def _kinds(made: Made) -> str:
        return made.adql.partition(" FROM ")[0].removeprefix("SELECT ").removeprefix("DISTINCT ")

    def _nested(self) -> Made:
        inner = self._groups()
        a, b = self._where()
        frame = self._one(
            "SELECT COUNT(*) AS n, MAX(a0) AS m FROM ({inner}) AS q",
            "WITH q AS (SELECT id, mag FROM sky{where}) SELECT COUNT(*) AS n, MIN(mag) AS m FROM q",
            "WITH q AS (SELECT flags, COUNT(*) AS n FROM sky{where} GROUP BY flags) "
            "SELECT s.id, q.n FROM sky s JOIN q ON s.flags = q.flags WHERE s.dec > 60.0",
            "SELECT id FROM sky{where} UNION ALL "
            "SELECT id FROM sky WHERE id IN (SELECT sky_id FROM lines WHERE wave > 5)",
        )
        return Made(
            frame.format(inner=inner.adql, where=a),
            frame.format(inner=inner.sql, where=b),
            ordered=False,
        )
