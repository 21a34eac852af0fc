"""`sq.crossmatch`: catalogues of any kind become an identification, and its result a catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from skyquarry.catalog.files import Folder
from skyquarry.engine.given import texts
from skyquarry.errors import ExistsError, UserError
from skyquarry.match.crossmatch import CrossmatchPlan, Identify
from skyquarry.match.given.positionerrors import check_known
from skyquarry.match.given.reading import ErrorPolicy
from skyquarry.match.runs.asked import Constraint, Keep, Settings
from skyquarry.pipeline.inputs import given_of, side_of

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.executors import Where
    from skyquarry.match.calibration.calibrate import Calibration
    from skyquarry.match.given.sides import Side
    from skyquarry.match.matchresult import MatchResult
    from skyquarry.match.priors.photometry import Photometry

MOST_CATALOGUES = 16


def crossmatch(  # noqa: PLR0913  each keyword is said by its name
    *catalogs: Any,
    constraint: Constraint = "one_to_one",
    keep: Keep = "all",
    completeness: float = 0.9973,
    prior: str | Mapping[tuple[str, ...], float] = "auto",
    photometry: Literal["auto"] | Photometry | None = "auto",
    calibrate: bool | Calibration = True,
    radius_arcsec: float | None = None,
    default_error_arcsec: float | Mapping[str, float] | None = None,
    names: Sequence[str] | None = None,
    fast_pass: bool = True,
    force: bool = False,
) -> Crossmatch:
    """Which rows of several catalogues are the same object, and how probable that is: a plan.

    Parameters
    ----------
    catalogs
        Two to sixteen of: a Catalog with its cuts, the path of a catalogue or of a readable file,
        a pyarrow, pandas or astropy table; or a tuple of a table or path and what its columns are:
        a survey's name, {"ra": ..., "dec": ..., "position_error": ...} or Roles.
    constraint
        "one_to_one": at most one row of each catalogue an object, and a row in one object only.
        "many_to_one": each row of the first catalogue chooses by itself; several may choose the
        same row of another (Gaia to WISE). "none": each candidate is judged alone.
    keep
        "all" candidates with their probabilities, or the "best": accepted pairs only.
    completeness
        Share of the true pairs whose positions agree that are looked for.
    prior
        "auto": densities of every set of catalogues, by place and magnitude, learnt from the data;
        "uniform": without magnitudes; "nway": as nway 4.8 weighs; or densities per square degree
        by tuples of names, {("gaia",): 2000, ("gaia", "wise"): 900, ...}.
    photometry
        "auto": what magnitudes of several catalogues together tell, where 100 secure pairs teach
        it; None; or an object with `ln_ratio(rows, groups)`.
    calibrate
        Zero points, error floors and scales, from mutual nearest neighbours: True, False, or a
        saved Calibration. Positions in the output stay as catalogued.
    radius_arcsec
        No pair is farther apart, at one epoch; None: as far as the errors allow. More than 3600
        is refused unless forced.
    default_error_arcsec
        One sigma per axis for rows without a usable error: for all, or by catalogue's name.
    names
        What the catalogues are called; by default by their own names.
    fast_pass
        Whether rows left alone that are bright or red are searched again, up to 10.5"/yr.
    force
        Run although more than a thousand million candidate pairs are predicted (are errors in the
        unit that is stated?), or although `radius_arcsec` is more than a degree.

    Returns
    -------
    Crossmatch
        A plan: `explain()`, `run(executor)` -> MatchResult (`pairs`, `groups`, `members`, `wide`,
        `report`, `verdict`), `to_table()`, `stream()`, `to_catalog(path)`.

    Raises UserError, ColumnError, PositionError, NotFoundError, before any work starts.

    >>> crossmatch(gaia, twomass, allwise).run().groups  # doctest: +SKIP
    """
    settings = Settings(
        constraint=constraint,
        keep=keep,
        completeness=completeness,
        prior=prior,
        photometry=photometry,
        calibrate=calibrate,
        radius_arcsec=radius_arcsec,
        fast_pass=fast_pass,
        force=force,
    )
    sides = _sides(catalogs)
    called = _names([side.name for side in sides], names)
    policies = tuple(_policy(name, default_error_arcsec) for name in called)
    _check_defaults(default_error_arcsec, called)
    check_known(zip((side.roles for side in sides), policies, called, strict=True))
    given = tuple(map(given_of, catalogs))
    return Crossmatch(Identify(sides, called, policies, settings, given=given))


@dataclass(frozen=True, repr=False)
class Crossmatch(CrossmatchPlan):
    """A plan whose result can become a catalogue of its own."""

    def to_catalog(
        self,
        path: str | os.PathLike[str],
        executor: Where = None,
        *,
        wide: bool = False,
        updatable: bool = False,
        overwrite: bool = False,
        **options: Any,
    ) -> Catalog:
        """The groups as a catalogue at `path`; pairs and members beside it, as its children.

        `wide` adds every column of every catalogue, prefixed, null where absent. The report is
        kept as `report.json` in the folder of the catalogue, what was learnt as `learnt.json`
        (`open_match` needs it), and for `updatable` a line for every row as `rows.parquet`
        (`update_match` needs it); settings, calibration and versions are in its properties.
        options: what `sq.build` takes.
        """
        check_target(path, overwrite=overwrite)
        how: dict[str, Any] = {"wide": wide, "updatable": updatable, "overwrite": overwrite}
        return write_catalog(self.run(executor), path, **how, **options)


def _sides(catalogs: tuple[Any, ...]) -> tuple[Side, ...]:
    if not 2 <= len(catalogs) <= MOST_CATALOGUES:
        raise UserError(
            f"{len(catalogs)} catalogues were given, but a cross-match needs 2 to "
            f"{MOST_CATALOGUES}: for pairs within one catalogue use sq.pairs(a, radius_arcsec=...)"
        )
    sides = tuple(side_of(each, f"table{n + 1}") for n, each in enumerate(catalogs))
    marks = [side.fingerprint for side in sides]
    for n, side in enumerate(sides):
        if side.n_rows and marks.index(marks[n]) < n:
            raise UserError(
                f"{side.name} was given twice, but an object would then match itself: for pairs "
                "within one catalogue use sq.pairs(a, radius_arcsec=...)"
            )
    return sides


def _names(own: list[str], given: Sequence[str] | None) -> tuple[str, ...]:
    """What the catalogues are called: each name once."""
    if given is None:
        twice = {name for name in own if own.count(name) > 1}
        seen: dict[str, int] = {}
        called = []
        for name in own:
            seen[name] = seen.get(name, 0) + 1
            called.append(f"{name}_{seen[name]}" if name in twice else name)
        return tuple(called)
    given = texts(given, "names", own)
    if len(given) != len(own) or len(set(given)) != len(own) or not all(given):
        raise UserError(
            f"names is {list(given)}, but {len(own)} different names are needed, one a catalogue: "
            f"by default they are {own}"
        )
    return tuple(given)


def _policy(name: str, default: float | Mapping[str, float] | None) -> ErrorPolicy:
    told = default.get(name) if isinstance(default, Mapping) else default
    return ErrorPolicy(default_arcsec=told)


def _check_defaults(default: Any, names: tuple[str, ...]) -> None:
    if not isinstance(default, Mapping):
        return
    unknown = [name for name in default if name not in names]
    if unknown:
        raise UserError(
            f"default_error_arcsec names {unknown[0]!r}, but the catalogues are called "
            f"{', '.join(names)}: use these names, or one number for all"
        )


# ---------------------------------------------------------------- to a catalogue


def check_target(path: str | os.PathLike[str], *, overwrite: bool) -> None:
    """Whether a catalogue may be written there, asked before hours of matching."""
    home = Folder.at(path)
    beside = (home.parent.join(f"{home.name}_{kind}") for kind in ("pairs", "members"))
    for each in (home, *beside):
        if each.exists("collection.properties") and not overwrite:
            raise ExistsError(
                f"there is a catalogue at {each.root} already: give another path, or "
                "overwrite=True for a new version of it"
            )


def write_catalog(
    result: MatchResult, path: str | os.PathLike[str], *, overwrite: bool = False, **how: Any
) -> Catalog:
    """`Crossmatch.to_catalog`, as `matchcatalog.written` has it, where nothing is in the way."""
    from skyquarry.pipeline.matchcatalog import written

    check_target(path, overwrite=overwrite)
    return written(result, Folder.at(path), overwrite=overwrite, **how)
