# ruff: noqa: INP001  (a script, in no package)
"""Write the pages of docs/reference that are made from the code: `python docs/generate.py`.

A test compares what lies there with what this makes, so that the reference cannot fall behind.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parent / "reference"


def commands() -> str:
    """Every command of the shell, with its example and options, as Markdown."""
    from typer.main import get_command

    from skyquarry.cli import app

    pages = ["# Commands", "", "Made from the code by `docs/generate.py`.", ""]
    for name, command in sorted(get_command(app).commands.items()):  # type: ignore[attr-defined]
        pages += [f"## skyquarry {name}", "", *help_of(command), ""]
        for below, does in sorted(getattr(command, "commands", {}).items()):
            pages += [f"## skyquarry {name} {below}", "", *help_of(does), ""]
    pages += ["Exit code 2 stands for a mistake in what was asked or in the data; the message says"]
    pages += ["what was given, what is needed, and what to try."]
    return "\n".join(pages) + "\n"


def help_of(command: Any) -> list[str]:
    """The command's help, its example as code, and a table of its options."""
    lines = []
    for line in inspect.cleandoc(command.help or "").replace("\b", "").splitlines():
        shell = re.match(r"(Example: )?(skyquarry .*)", line)
        lines += ["", f"    {shell[2]}", ""] if shell else [line]
    lines += ["", "| option | meaning | default |", "|---|---|---|"]
    return lines + [row_of(each) for each in command.params if each.name != "help"]


def row_of(parameter: Any) -> str:
    """One row of that table."""
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "argument":
        names = (parameter.metavar or parameter.name).upper()
    given = parameter.default if isinstance(parameter.default, str | int | float) else ""
    meaning = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
    return f"| `{names}` | {meaning} | {'' if given is False else given} |"


def python() -> str:
    """Every public name of the package with its signature and docstring, as Markdown."""
    import skyquarry

    pages = [
        "# Python",
        "",
        "Made from the code by `docs/generate.py`; `import skyquarry as sq`.",
        "",
        "Types that stand for several: `CatalogLike` is a `Catalog`, or the path or URL of one;",
        '`Where`, where tasks run, is `"threads"`, `"processes"`, `"inline"`, an executor with',
        "the `submit` of `concurrent.futures.Executor`, or None for threads.",
        "",
    ]
    for name in sorted(skyquarry.__all__, key=str.lower):
        thing = getattr(skyquarry, name)
        pages += [f"## `sq.{name}{signature(thing)}`", "", *fenced(thing), ""]
        if inspect.isclass(thing):
            pages += methods(thing)
    return "\n".join(pages) + "\n"


def methods(thing: type) -> list[str]:
    """The public methods and properties that the class itself, or a base of ours, defines."""
    lines = []
    for name in sorted(vars(thing)):
        member = inspect.getattr_static(thing, name)
        made = isinstance(member, property | classmethod | staticmethod) or inspect.isfunction(
            member
        )
        if name.startswith("_") or not made or not inspect.getdoc(getattr(thing, name)):
            continue
        shown = "" if isinstance(member, property) else signature(getattr(thing, name))
        lines += [f"### `.{name}{shown}`", "", *fenced(getattr(thing, name)), ""]
    return lines


def signature(thing: Any) -> str:
    """The signature as one would write it, without quotes around types."""
    try:
        text = str(inspect.signature(thing))
    except (TypeError, ValueError):
        return ""
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", re.sub(r"\(self(, )?", "(", text))
    return re.sub(r"<object object at 0x[0-9a-f]+>|<factory>", "...", text)


def fenced(thing: Any) -> list[str]:
    """The docstring, as it stands."""
    return ["```text", inspect.getdoc(thing) or "", "```"]


TABLES = """# The tables of a cross-match

Made from the code by `docs/generate.py`. `sq.crossmatch(...).run()` gives a `MatchResult`, whose
tables `pairs`, `groups`, `members` and `wide` are Arrow tables. Missing is null. Rows lie along the
sky. In a file, a catalogue and Arrow the columns are the same, with units and descriptions. Ids are
text where those of the catalogues differ in type.
"""


def match_tables() -> str:
    """The columns of the tables of a cross-match, their flags, and what a result can do."""
    from skyquarry.match.given.rows import Flag
    from skyquarry.match.matchresult import MatchResult
    from skyquarry.match.results import columns

    pages = [TABLES, "## `pairs`: one row a candidate pair", "", *columns_of(columns.PAIRS), ""]
    pages += ["## `groups`: one row an object", "", *columns_of(columns.GROUPS)]
    pages += ["| `NAME_id` | as in NAME |  | id of the member in NAME, for each catalogue |", ""]
    pages += ["`wide` adds every column of each catalogue as `NAME_column`, null where absent.", ""]
    pages += ["## `members`: one row a row of a catalogue", "", *columns_of(columns.MEMBERS), ""]
    pages += ["## Flags", "", "| bit | name | meaning |", "|---|---|---|"]
    pages += [f"| {each.value} | {each.name} | {columns.FLAGS[each]} |" for each in Flag]
    pages += ["", "## Gaia's names", "", "`result.neighbourhood()` and `result.best_neighbour()`"]
    pages += ["call columns of two catalogues as Gaia's archive does.", ""]
    for title, named in (
        ("neighbourhood", columns.NEIGHBOURHOOD),
        ("best_neighbour", columns.BEST_NEIGHBOUR),
    ):
        pages += [f"| {title} | in `pairs` |", "|---|---|"]
        pages += [f"| `{theirs}` | `{ours}` |" for theirs, ours in named] + [""]
    return "\n".join([*pages, "## `MatchResult`", "", *methods(MatchResult)])


def classified() -> str:
    """The columns of a classified catalogue."""
    from skyquarry.pipeline.verdicts import TOLD

    told = [(name, kind, "", text.replace("|", "\\|")) for name, (kind, text) in TOLD.items()]
    return "\n".join([CLASSIFIED, *columns_of(told), "", MORE_OF_CLASSES])


def columns_of(told: Any) -> list[str]:
    """A table of columns: name, type, unit, meaning."""
    kinds = {"dictionary": "string", "double": "float64"}
    lines = ["| column | type | unit | meaning |", "|---|---|---|---|"]
    for name, kind, unit, text in told:
        known = "as in the catalogue, or text" if kind is None else str(kind).partition("<")[0]
        lines.append(f"| `{name}` | {kinds.get(known, known)} | {unit} | {text} |")
    return lines


CLASSES = """# The eight classes

Made from the code by `docs/generate.py`: definitions from `skyquarry/catalog/classes.py`, what the
labels of others mean from `skyquarry/catalog/labelsets.py`. The simulator's truth, training labels
and scores all read these two.

Where definitions overlap the first holds of: transient, white dwarf, brown dwarf, giant, main
sequence; and of: transient, quasar, galaxy. An unresolved pair has the class of its brighter star.
"Variable" is an attribute of any class; it makes the class `transient` only where variability
dominates: see there.
"""


def classes() -> str:
    """What the classes are, and what the labels of others mean in them."""
    from skyquarry.catalog.classes import BRANCHES, DEFINITIONS
    from skyquarry.catalog.labelsets import LABEL_SETS

    branch = {own: name for name, held in BRANCHES.items() for own in held}
    pages = [CLASSES, "| code | class | branch | definition | holds |", "|---|---|---|---|---|"]
    for own, told in DEFINITIONS.items():
        above = branch.get(own, "")
        pages += [f"| {own.value} | `{own.label}` | {above} | {told.physics} | {told.holds} |"]
    pages += ["| 10 | `star` | star | one of 1 to 4, and nobody tells which | |"]
    pages += ["| -1 |  |  | unlabelled: a row for neither training nor scores | |", ""]
    pages += ["## Labels of others", "", "`skyquarry.catalog.labelsets.class_of(table, name)`", ""]
    pages += ["| name | labels of | columns | meaning |", "|---|---|---|---|"]
    for each in LABEL_SETS.values():
        needed = ", ".join(f"`{name}`" for name in each.columns[:2])
        more = ", ".join(f"`{name}`" for name in each.optional)
        columns = needed + (" ..." if len(each.columns) > 2 else "") + (f" ({more})" * bool(more))
        pages += [f"| `{each.name}` | {each.title} | {columns} | {each.says} |"]
    return "\n".join(pages) + "\n"


FEATURES = """# Features

Made from the code by `docs/generate.py`. `skyquarry.features.making.features_of(table, survey)`
makes them from a table and the role files of its surveys. {survey} is a survey's short name,
{band}, {a} and {b} are bands as its role file calls them. "auto" takes every family but those
marked. A feature that a table has no columns for costs a feature, and no row.
"""


def features() -> str:
    """Every family of features, with formulas, units, sources and needs."""
    from skyquarry.features.registry import FAMILIES

    pages = [FEATURES]
    for each in FAMILIES:
        pages += [f"## `{each.name}`{'' if each.auto else ': not by itself'}", "", each.title, ""]
        pages += ["| feature | unit | formula | needs | source |", "|---|---|---|---|---|"]
        for one in each.templates:
            cells = (one.unit, one.formula, one.needs, one.source)
            told = " | ".join(cell.replace("|", "\\|") for cell in cells)
            pages += [f"| `{one.pattern}` | {told} |"]
        pages += [""]
    return "\n".join(pages)


ADQL = """# Functions of ADQL

Made from the code by `docs/generate.py`. What a query is: [ask in ADQL](../howto/ask-in-adql.md).
Names are the same in any case. A function's own page is the standard's (ADQL 2.1, section 4).

## ADQL's own

Geometries may begin with the name of a frame, as ADQL 2.0 had it: `POINT('ICRS', ra, dec)`; it is
not heeded. Angles are degrees; `CONTAINS` and `INTERSECTS` give 1 or 0. LOG is natural.

| function | takes |
|---|---|
"""


def adql() -> str:
    """ADQL's own functions, and those that services have beside them."""
    from skyquarry.adql.calls import aggregates, servicecalls, usercalls
    from skyquarry.adql.text import shapes

    own = [f"| `{name.lower()}` | {shapes.told(name)} |" for name in sorted(shapes.SHAPES)]
    pages = [ADQL + "\n".join(own), "", "## Of a group", "", *_THREE]
    given = {**aggregates.FIVE, **{k: (v.usage, v.does) for k, v in aggregates.STATISTICS.items()}}
    pages += [f"| `{name.lower()}` | {use} | {does} |" for name, (use, does) in given.items()]
    pages += [
        "",
        "## Of services: IVOA's catalogue, Gaia, ESA, ESO, CDS, GAVO, and ours",
        "",
        *_THREE,
    ]
    for name, each in sorted({**usercalls.FUNCTIONS, **servicecalls.CALLS}.items()):
        pages.append(f"| `{name.lower()}` | {each.usage} | {each.does} |")
    return "\n".join(pages) + "\n"


_THREE = ("| function | written | gives |", "|---|---|---|")
CLASSIFIED = """# Columns of a classified catalogue

Made from the code by `docs/generate.py`: what `sq.classify` and `skyquarry classify` say of each
object, beside its id and position, and the columns asked for by `columns`.
"""
MORE_OF_CLASSES = """Beside these: `p_NAME`, the probability of each class of the model, at the mix
of the training set or at the one asked for; `p_star` and `p_extragalactic`, sums of those, where
the classes are of both; `p_variable` where the model was taught what varies. Names that a
query would take for one are numbered: the branch of stars is `p_star_2` beside a class STAR.

`tree_spread` is sqrt(1/2 sum over classes of the variance, over the trees of the forest, of the
class's share): of two classes, the standard deviation of either. `uncertainty` is doubt however it
comes about; what of it comes of too few labels shows as `tree_spread`. Null where no forest takes
part.

`distance` is that to the nearest component of the mixtures that each class of the training set was
given, chi2 as a normal deviate (Wilson & Hilferty 1931); null for a row without any value.
`density_ratio` compares 4,000 rows of the training set, which the model keeps, with as many of the
whole catalogue, whatever part of it is classified; null where one has fewer than 50, or for a model
that keeps none. Far from both samples it tells little: look at `distance` first.
"""
PAGES = {
    "adql": adql,
    "commands": commands,
    "python": python,
    "match-tables": match_tables,
    "classified": classified,
    "classes": classes,
    "features": features,
}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (REFERENCE / f"{name}.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
