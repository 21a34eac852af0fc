"""Queries asked what they will cost, and how soon their first row comes.

cost     ten random queries are run to learn from, then 200 others are asked what they will cost and
         run: in how many the rows given were foretold within a factor 1.5, the seconds within 2
first    a scan of all rows for a predicate that one row in a million meets: seconds to the first
         row, to the last, and the tile of the first; then one that the first tile has a row of

Random queries are of cones, boxes and limits of columns, alone and together; rows, groups, sums,
what is there once, the first n, and joins with a child table where there is one. Columns and limits
are drawn from the catalogue's own rows, shares of rows from one in 1e5 to all.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from types import SimpleNamespace
from typing import Any

import numpy as np

import record
from data import archive_of

LEARN, ASKED = 10, 200
ROWS_FACTOR, SECONDS_FACTOR = 1.5, 2.0


class Draw:
    """Random queries over one catalogue."""

    def __init__(self, catalog: Any, name: str, child: tuple[str, str, str] | None, seed: int):
        self.random = np.random.default_rng(seed)
        self.name, self.child = name, child
        self.ra, self.dec = catalog.roles.ra, catalog.roles.dec
        self.id = catalog.roles.id or self.ra
        rows = catalog.sample(max(2e4 / len(catalog), 1e-3)).to_table()
        self.places = np.column_stack([rows[self.ra].to_numpy(), rows[self.dec].to_numpy()])
        self.numbers, self.labels = {}, []
        for field in rows.schema:
            if str(field.type) in ("float", "double") and field.name not in (self.ra, self.dec):
                values = rows[field.name].drop_null().to_numpy()
                if len(values) > 1000 and len(np.unique(values)) > 500:
                    self.numbers[field.name] = np.sort(values.astype(np.float64))
            elif str(field.type) in ("int16", "int32", "int8", "uint8"):
                values = rows[field.name].unique()
                self.labels += [field.name] if 1 < len(values) < 300 else []

    def query(self) -> tuple[str, str]:
        """A kind and a query of it."""
        kinds = ["rows", "rows", "rows", "sums", "top", "ordered"]
        kinds += ["groups", "once"] if self.labels else []
        kinds += ["joined"] if self.child else []
        kind = str(self.random.choice(kinds))
        return kind, getattr(self, f"_{kind}")()

    def _some(self, names: Any, most: int) -> list[str]:
        names = list(names)
        count = int(self.random.integers(1, most + 1))
        return [str(each) for each in self.random.choice(names, min(count, len(names)), False)]

    def _share(self) -> float:
        return float(10 ** self.random.uniform(-5, 0))

    def _test(self, of: str = "") -> str:
        tests = []
        if self.random.random() < 0.4:
            tests.append(self._place(of))
        if not tests or self.random.random() < 0.6:
            name = str(self.random.choice(list(self.numbers)))
            values, share = self.numbers[name], self._share()
            low = float(self.random.random() * (1 - share))
            limits = np.quantile(values, [low, low + share])
            tests.append(f'{of}"{name}" BETWEEN {limits[0]:.6g} AND {limits[1]:.6g}')
        return " AND ".join(tests)

    def _place(self, of: str) -> str:
        ra, dec = self.places[self.random.integers(len(self.places))]
        size = float(10 ** self.random.uniform(-1.5, 1))
        if self.random.random() < 0.6:
            circle = f"CIRCLE({ra:.6f}, {dec:.6f}, {size:.4f})"
            return f"1 = CONTAINS(POINT({of}{self.ra}, {of}{self.dec}), {circle})"
        return f"{of}{self.dec} BETWEEN {dec - size / 4:.5f} AND {dec + size / 4:.5f}"

    def _rows(self) -> str:
        names = ", ".join(f'"{each}"' for each in self._some(self.numbers, 6))
        return f'SELECT "{self.id}", {names} FROM {self.name} WHERE {self._test()}'

    def _sums(self) -> str:
        sums = ", ".join(f'AVG("{each}"), MAX("{each}")' for each in self._some(self.numbers, 3))
        return f"SELECT COUNT(*), {sums} FROM {self.name} WHERE {self._test()}"

    def _top(self) -> str:
        return self._rows().replace("SELECT", f"SELECT TOP {self.random.integers(1, 3000)}", 1)

    def _ordered(self) -> str:
        by = str(self.random.choice(list(self.numbers)))
        return f'{self._top() if self.random.random() < 0.6 else self._rows()} ORDER BY "{by}"'

    def _groups(self) -> str:
        by = ", ".join(f'"{each}"' for each in self._some(self.labels, 2))
        of = str(self.random.choice(list(self.numbers)))
        return (
            f'SELECT {by}, COUNT(*), AVG("{of}") FROM {self.name} WHERE {self._test()} '
            f"GROUP BY {by}"
        )

    def _once(self) -> str:
        by = ", ".join(f'"{each}"' for each in self._some(self.labels, 2))
        return f"SELECT DISTINCT {by} FROM {self.name} WHERE {self._test()}"

    def _joined(self) -> str:
        child, on, key = self.child or ("", "", "")
        return (
            f'SELECT p."{self.id}", c.* FROM {self.name} p JOIN {child} c ON p."{key}" = c."{on}" '
            f"WHERE {self._test('p.')}"
        )


def planned(adql: str, sky: Any) -> Any:
    """The query over an archive, or over catalogues by their names."""
    import skyquarry as sq

    return sq.query(adql, sky) if isinstance(sky, dict) else sq.query(adql, archive=sky)


def child_of(sky: Any, name: str) -> tuple[str, str, str] | None:
    """The name, key and parent's key of a child with no more rows than its parent."""
    from skyquarry.engine.children import KEY, ON, children

    for other, child in children(sky[name]).items():
        if len(child) <= len(sky[name]):
            told = child.properties
            return other, told[ON], told.get(KEY, "") or str(sky[name].roles.id)
    return None


def asked(draw: Draw, sky: Any) -> dict[str, Any]:
    """One query: what was foretold, and what came."""
    kind, adql = draw.query()
    plan = planned(adql, sky)
    begun = time.perf_counter()
    cost = plan.cost()
    asking = time.perf_counter() - begun
    run = plan.begin()
    for _ in run.batches():
        pass
    return {
        "kind": kind, "adql": adql, "asking": asking, "rows": run.report.rows,
        "rows_told": cost.rows_out, "seconds": run.report.seconds, "seconds_told": cost.seconds,
    }  # fmt: skip


def within(runs: list[dict[str, Any]], name: str, factor: float) -> float:
    """The part of runs foretold within a factor."""
    ratios = [max(run[f"{name}_told"], 1e-9) / max(run[name], 1e-9) for run in runs]
    if name == "rows":
        ratios = [max(run["rows_told"], 1) / max(run["rows"], 1) for run in runs]
    return sum(1 / factor <= each <= factor for each in ratios) / len(runs)


def costs(sky: Any, name: str, count: int, seed: int) -> dict[str, Any]:
    """Random queries foretold, after ten that were learnt from."""
    draw = Draw(sky[name], name, child_of(sky, name), seed)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache  # nothing that ran before is known
        for _ in range(LEARN):
            asked(draw, sky)
        runs = [asked(draw, sky) for _ in range(count)]
    kinds = sorted({run["kind"] for run in runs})
    for run in sorted(runs, key=lambda run: run["seconds_told"] / run["seconds"]):
        print(
            f"{run['kind']:8} {run['rows_told']:>9,} of {run['rows']:>9,} rows, "
            f"{run['seconds_told']:.3f} of {run['seconds']:.3f} s  {run['adql'][:110]}"
        )
    return {
        "queries": count,
        "rows_within_1.5": within(runs, "rows", ROWS_FACTOR),
        "seconds_within_2": within(runs, "seconds", SECONDS_FACTOR),
        "seconds_of_asking": statistics.median(run["asking"] for run in runs),
        "by_kind": {
            kind: {
                "queries": len(some),
                "rows_within_1.5": within(some, "rows", ROWS_FACTOR),
                "seconds_within_2": within(some, "seconds", SECONDS_FACTOR),
            }
            for kind in kinds
            for some in [[run for run in runs if run["kind"] == kind]]
        },
    }


def first(sky: Any, name: str) -> dict[str, Any]:
    """Seconds to the first row of scans of the whole catalogue."""
    catalog = sky[name]
    column = next(iter(Draw(catalog, name, None, 1).numbers))
    every = planned(f'SELECT "{column}" AS v FROM {name}', sky).to_table()["v"]
    values = np.sort(every.drop_null().to_numpy())
    rare = f'"{column}" >= {float(values[-max(len(every) // 1_000_000, 1)])!r}'
    once = np.flatnonzero(np.diff(values) > 0)
    alone = set(values[once[np.diff(once, prepend=-1) == 1]].tolist())
    here = next(v for v in every.slice(0, 100_000).to_pylist() if v in alone)
    tests = {"one_in_1e6": rare, "in_the_first_tile": f'"{column}" = {here!r}'}
    found: dict[str, Any] = {"rows": len(every), "tiles": len(catalog.source.tiles)}
    for what, test in tests.items():
        runs = [_timed(planned(f"SELECT * FROM {name} WHERE {test}", sky)) for _ in "123"]
        found[what] = sorted(runs, key=lambda run: run["first_s"])[1]
    return found


def _timed(plan: Any) -> dict[str, Any]:
    run = plan.begin()
    begun, told = time.perf_counter(), {}
    for batch in run.batches():
        if batch.num_rows and not told:
            told = {"first_s": time.perf_counter() - begun, "tiles_begun": run.report.tiles}
    return {**told, "all_s": time.perf_counter() - begun, "rows": run.report.rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--archive", help="an archive; without it, the sky of the other programs")
    parser.add_argument("--table", default="photoobj")
    parser.add_argument("--queries", type=int, default=ASKED)
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--only", choices=["cost", "first"])
    parser.add_argument("--out")
    parser.add_argument(
        "--processor", action="store_true", help="seconds of processors: where others work beside"
    )
    given = parser.parse_args()
    import skyquarry as sq

    if given.processor:
        from skyquarry.adql.running import answers

        answers.time = SimpleNamespace(  # type: ignore[assignment]
            perf_counter=time.process_time, monotonic=time.monotonic
        )

    if given.archive:
        sky, name = sq.archive(given.archive), given.table
    else:
        sky, name = {"sky": sq.open(archive_of(given.rows)[0])}, "sky"
    figures: dict[str, Any] = {"table": name, "clock": "processor" if given.processor else "wall"}
    if given.only != "first":
        figures["cost"] = costs(sky, name, given.queries, given.seed)
    if given.only != "cost":
        figures["first"] = first(sky, name)
    record.write("asking", len(sky[name]), figures, given.out)


if __name__ == "__main__":
    main()
