"""skyquarry: survey catalogues as an archive you can search, cross-match, mine and classify."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from skyquarry.engine.verbs import give

if TYPE_CHECKING:
    from skyquarry.adql.adding import add_column as add_column
    from skyquarry.adql.asking import query as query
    from skyquarry.adql.isolating import isolated_query as isolated_query
    from skyquarry.adql.userfunctions import function as function
    from skyquarry.catalog.roles import Roles as Roles
    from skyquarry.engine.archive import Archive as Archive
    from skyquarry.engine.archive import archive as archive
    from skyquarry.engine.catalog import Catalog as Catalog
    from skyquarry.engine.catalog import open_catalog as open  # noqa: A004
    from skyquarry.engine.plan import Plan as Plan
    from skyquarry.engine.plan import Result as Result
    from skyquarry.features.making import features_of as features_of
    from skyquarry.learn.model import Model as Model
    from skyquarry.mine.buckets import buckets as buckets
    from skyquarry.mine.cellmaps import cell_statistics as cell_statistics
    from skyquarry.mine.colours import Colours as Colours
    from skyquarry.mine.friends import duplicates as duplicates
    from skyquarry.mine.friends import friends_of_friends as friends_of_friends
    from skyquarry.mine.lensing import lenses as lenses
    from skyquarry.mine.neighbours import neighbours as neighbours
    from skyquarry.mine.rare import rare as rare
    from skyquarry.mine.river import river as river
    from skyquarry.mine.scan import ScanMachine as ScanMachine
    from skyquarry.mine.scan import sweep_once as sweep_once
    from skyquarry.mine.similar import similar as similar
    from skyquarry.mine.similarindex import similar_index as similar_index
    from skyquarry.mine.space import Space as Space
    from skyquarry.mine.twopoint import correlation as correlation
    from skyquarry.mine.twopoint import pair_counts as pair_counts
    from skyquarry.pipeline.build import build as build
    from skyquarry.pipeline.build import plan_build as plan_build
    from skyquarry.pipeline.classifying import classify as classify
    from skyquarry.pipeline.crossmatching import crossmatch as crossmatch
    from skyquarry.pipeline.evaluating import evaluate as evaluate
    from skyquarry.pipeline.featuring import make_features as make_features
    from skyquarry.pipeline.fetching import fetch as fetch
    from skyquarry.pipeline.fetching import plan_fetch as plan_fetch
    from skyquarry.pipeline.injecting import inject as inject
    from skyquarry.pipeline.lists import match_table as match_table
    from skyquarry.pipeline.matching import pairs as pairs
    from skyquarry.pipeline.models import load_model as load_model
    from skyquarry.pipeline.repairing import repair as repair
    from skyquarry.pipeline.simulating import simulate as simulate
    from skyquarry.pipeline.training import train as train
    from skyquarry.pipeline.updating import update_match as update_match
    from skyquarry.pipeline.written import open_match as open_match
    from skyquarry.sky.footprint import Footprint as Footprint
    from skyquarry.sky.ranges import Ranges as Ranges
    from skyquarry.sky.regions import Box as Box
    from skyquarry.sky.regions import Cone as Cone
    from skyquarry.sky.regions import Convex as Convex
    from skyquarry.sky.regions import Ellipse as Ellipse
    from skyquarry.sky.regions import Polygon as Polygon
    from skyquarry.sky.regions import Region as Region
    from skyquarry.sky.regions import Zone as Zone
    from skyquarry.sky.regiontext import region_from_text as region

# A name is loaded when it is first asked for, so that `import skyquarry` takes milliseconds.
_HOME = {
    "open": ("skyquarry.engine.catalog", "open_catalog"),
    "archive": ("skyquarry.engine.archive", "archive"),
    "buckets": ("skyquarry.mine.buckets", "buckets"),
    "build": ("skyquarry.pipeline.build", "build"),
    "plan_build": ("skyquarry.pipeline.build", "plan_build"),
    "classify": ("skyquarry.pipeline.classifying", "classify"),
    "crossmatch": ("skyquarry.pipeline.crossmatching", "crossmatch"),
    "features_of": ("skyquarry.features.making", "features_of"),
    "evaluate": ("skyquarry.pipeline.evaluating", "evaluate"),
    "fetch": ("skyquarry.pipeline.fetching", "fetch"),
    "plan_fetch": ("skyquarry.pipeline.fetching", "plan_fetch"),
    "query": ("skyquarry.adql.asking", "query"),
    "add_column": ("skyquarry.adql.adding", "add_column"),
    "function": ("skyquarry.adql.userfunctions", "function"),
    "isolated_query": ("skyquarry.adql.isolating", "isolated_query"),
    "make_features": ("skyquarry.pipeline.featuring", "make_features"),
    "match_table": ("skyquarry.pipeline.lists", "match_table"),
    "open_match": ("skyquarry.pipeline.written", "open_match"),
    "pairs": ("skyquarry.pipeline.matching", "pairs"),
    "update_match": ("skyquarry.pipeline.updating", "update_match"),
    "inject": ("skyquarry.pipeline.injecting", "inject"),
    "repair": ("skyquarry.pipeline.repairing", "repair"),
    "simulate": ("skyquarry.pipeline.simulating", "simulate"),
    "load_model": ("skyquarry.pipeline.models", "load_model"),
    "train": ("skyquarry.pipeline.training", "train"),
    "region": ("skyquarry.sky.regiontext", "region_from_text"),
    "Archive": ("skyquarry.engine.archive", "Archive"),
    "Catalog": ("skyquarry.engine.catalog", "Catalog"),
    "Model": ("skyquarry.learn.model", "Model"),
    "Plan": ("skyquarry.engine.plan", "Plan"),
    "Result": ("skyquarry.engine.plan", "Result"),
    "correlation": ("skyquarry.mine.twopoint", "correlation"),
    "duplicates": ("skyquarry.mine.friends", "duplicates"),
    "friends_of_friends": ("skyquarry.mine.friends", "friends_of_friends"),
    "lenses": ("skyquarry.mine.lensing", "lenses"),
    "pair_counts": ("skyquarry.mine.twopoint", "pair_counts"),
    "river": ("skyquarry.mine.river", "river"),
    "cell_statistics": ("skyquarry.mine.cellmaps", "cell_statistics"),
    "neighbours": ("skyquarry.mine.neighbours", "neighbours"),
    "rare": ("skyquarry.mine.rare", "rare"),
    "similar": ("skyquarry.mine.similar", "similar"),
    "similar_index": ("skyquarry.mine.similarindex", "similar_index"),
    "ScanMachine": ("skyquarry.mine.scan", "ScanMachine"),
    "sweep_once": ("skyquarry.mine.scan", "sweep_once"),
    "Roles": ("skyquarry.catalog.roles", "Roles"),
    "Footprint": ("skyquarry.sky.footprint", "Footprint"),
    "Ranges": ("skyquarry.sky.ranges", "Ranges"),
    "Region": ("skyquarry.sky.regions", "Region"),
    "Colours": ("skyquarry.mine.colours", "Colours"),
    "Space": ("skyquarry.mine.space", "Space"),
    "Cone": ("skyquarry.sky.regions", "Cone"),
    "Box": ("skyquarry.sky.regions", "Box"),
    "Zone": ("skyquarry.sky.regions", "Zone"),
    "Ellipse": ("skyquarry.sky.regions", "Ellipse"),
    "Polygon": ("skyquarry.sky.regions", "Polygon"),
    "Convex": ("skyquarry.sky.regions", "Convex"),
}

__version__ = "0.1.0"
__all__ = [
    "Archive",
    "Box",
    "Catalog",
    "Colours",
    "Cone",
    "Convex",
    "Ellipse",
    "Footprint",
    "Model",
    "Plan",
    "Polygon",
    "Ranges",
    "Region",
    "Result",
    "Roles",
    "ScanMachine",
    "Space",
    "Zone",
    "add_column",
    "archive",
    "buckets",
    "build",
    "cell_statistics",
    "classify",
    "correlation",
    "crossmatch",
    "duplicates",
    "evaluate",
    "features_of",
    "fetch",
    "friends_of_friends",
    "function",
    "inject",
    "isolated_query",
    "lenses",
    "load_model",
    "make_features",
    "match_table",
    "neighbours",
    "open",
    "open_match",
    "pair_counts",
    "pairs",
    "plan_build",
    "plan_fetch",
    "query",
    "rare",
    "region",
    "repair",
    "river",
    "similar",
    "similar_index",
    "simulate",
    "sweep_once",
    "train",
    "update_match",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'skyquarry' has no attribute {name!r}")
    module, attribute = _HOME[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


give("query", lambda: __getattr__("query"))
give("saved", lambda: importlib.import_module("skyquarry.adql.keeping").saved)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
