"""Downloads by the real client from a TAP server on this machine: nothing lost, nothing doubled."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyquarry.catalog.columns import describe
from skyquarry.errors import ColumnError, ServiceError
from skyquarry.sky.mocs import MocRegion
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.regions import WHOLE, Box, Cone, Polygon
from skyquarry.surveys.fetch.target import target_of
from skyquarry.surveys.load import load
from skyquarry.testing.tapserver import Fault

from .conftest import Heard, ids_in, ids_of

REGIONS = {
    "cone": Cone(180.0, 30.0, 36_000.0),
    "through 0h": Cone(359.0, 5.0, 54_000.0),
    "pole": Cone(10.0, 85.0, 54_000.0),
    "box": Box(350.0, 20.0, -10.0, 15.0),
    "polygon": Polygon([(100, -10), (130, -5), (120, 20)]),
    "moc": MocRegion(Ranges.from_cells(1, [0, 17, 40])),
    "hole": Cone(45.0, 0.0, 72_000.0) - Cone(45.0, 0.0, 20_000.0),
    "sky": WHOLE,
}


@pytest.mark.parametrize(
    ("region", "area"),
    [
        *((region, "circle") for region in REGIONS),
        *((region, area) for region in ("pole", "through 0h") for area in ("polygon", "range")),
        *((region, "healpix") for region in ("pole", "hole")),
        ("sky", "range"),
    ],
)
def test_every_row_of_a_region_comes_once(serve, plan_of, sky, region, area):
    more = {"healpix": "pixel", "healpix_order": 12, "healpix_step": 1000}
    service = {"area": area, **(more if area == "healpix" else {})}
    rows = None if region == "pole" else 7_000
    fetched = plan_of(serve(), REGIONS[region], rows=rows, **service).run(Heard())
    assert sorted(ids_of(fetched)) == ids_in(sky, REGIONS[region])
    assert fetched.rows == len(ids_in(sky, REGIONS[region]))


def test_values_nulls_and_text_come_as_they_were(serve, plan_of, sky):
    for serialization in ("binary2", "tabledata"):
        server = serve(serialization=serialization)
        plan = plan_of(server, REGIONS["box"])
        fetched = plan.run(Heard())
        came = pq.read_table(fetched.files[0])
        there = {row["id"]: row for row in sky.to_pylist()}
        assert came.to_pylist() == [there[row["id"]] for row in came.to_pylist()]
        assert came["mag"].null_count + 1 > 0


def test_jobs_bring_what_is_too_much_at_once_and_are_deleted(serve, plan_of, sky):
    server = serve(polls=3)
    fetched = plan_of(server, REGIONS["cone"], sync_rows=0).run(Heard())
    assert sorted(ids_of(fetched)) == ids_in(sky, REGIONS["cone"])
    assert server.requests["/tap/async"] > 0
    assert server.requests["DELETE"] == server.requests["/tap/async"]
    assert not server.jobs


def test_a_cell_that_counts_too_many_rows_is_cut_before_it_is_fetched(serve, plan_of, sky):
    server, heard = serve(hard_limit=30), Heard()
    plan = plan_of(server, REGIONS["pole"], max_rows=30, rows=500)
    fetched = plan.run(heard)
    assert sorted(ids_of(fetched)) == ids_in(sky, REGIONS["pole"])
    assert fetched.cells > len(plan.cells)
    assert heard.stages[1] == ("fetching", fetched.received)
    assert heard.rows == fetched.received


@pytest.mark.parametrize("told", [True, False])
def test_an_answer_that_overflows_is_cut_though_nobody_counted(serve, plan_of, sky, told):
    server = serve(hard_limit=30, tells_overflow=told)
    fetched = plan_of(server, REGIONS["pole"], max_rows=30, count=False).run(Heard())
    assert sorted(ids_of(fetched)) == ids_in(sky, REGIONS["pole"])
    assert not any("COUNT" in query for query in server.queries)


def test_a_service_whose_limit_is_lower_than_told_is_found_out_by_overflow(serve, plan_of, sky):
    fetched = plan_of(serve(hard_limit=70), REGIONS["hole"], max_rows=100_000).run(Heard())
    assert sorted(ids_of(fetched)) == ids_in(sky, REGIONS["hole"])


def test_a_service_that_cuts_in_silence_is_found_out_by_its_round_number(serve, plan_of, sky):
    server = serve(hard_limit=1000, tells_overflow=False)
    plan = plan_of(server, WHOLE, max_rows=100_000, sync_rows=100_000)
    plan.__dict__["cells"] = plan.cells[:1]  # 1 of 12 cells: more than 500 rows and their borders
    server.manners.hard_limit = 500
    with pytest.raises(ServiceError, match=r"counts .* rows in cell 0/0 but sends 500"):
        plan.run(Heard())
    server.manners.hard_limit = 1000
    assert sorted(ids_of(plan.run(Heard()))) == ids_in(sky, MocRegion(Ranges.from_cells(0, [0])))


def test_rows_that_differ_from_the_count_are_told_with_both_numbers(serve, plan_of):
    def drops_two(query: str, _: int) -> Fault | None:
        return None if "COUNT" in query else Fault(drop_rows=2)

    server = serve(fault=drops_two)
    with pytest.raises(ServiceError) as caught:
        plan_of(server, REGIONS["cone"]).run(Heard())
    assert "rows in cell" in str(caught.value)
    assert "--no-count" in str(caught.value)
    assert "the same command goes on from there" in str(caught.value)


def test_a_count_that_was_kept_and_is_old_is_asked_for_again(serve, plan_of, sky):
    server = serve(sky.slice(100), fault=lambda q, _: None if "COUNT" in q else Fault(status=403))
    with pytest.raises(ServiceError, match="denies"):
        plan_of(server, REGIONS["cone"]).run(Heard())
    server.table, server.manners.fault = sky, lambda *_: None
    fetched = plan_of(server, REGIONS["cone"]).run(Heard())
    assert sorted(ids_of(fetched)) == ids_in(sky, REGIONS["cone"])


def test_no_more_is_asked_at_a_time_than_the_service_bears(serve, plan_of):
    def slow(*_: object) -> Fault:
        return Fault(stall_s=0.02)

    for parallel in (1, 3):
        server = serve(fault=slow)
        plan_of(server, REGIONS["cone"], parallel=parallel, rows=None).run(Heard())
        assert server.at_once == parallel


def test_columns_and_a_condition_are_asked_for_and_the_position_with_them(serve, plan_of, sky):
    plan = plan_of(serve(), REGIONS["cone"], columns=["MAG", "id"], where="mag < 12 OR mag > 18")
    fetched = plan.run(Heard())
    assert pq.read_table(fetched.files[0]).column_names == ["ra", "dec", "mag", "id"]
    wanted = {row["id"] for row in sky.to_pylist() if row["mag"] and not 12 <= row["mag"] <= 18}
    assert set(ids_of(fetched)) == wanted & set(ids_in(sky, REGIONS["cone"]))


def test_a_column_that_is_not_there_is_named_with_the_nearest(serve, plan_of):
    with pytest.raises(ColumnError, match="no column 'magg', but it is needed: did you mean 'mag'"):
        plan_of(serve(), REGIONS["cone"], columns="id,magg").run(Heard())


def test_a_position_that_is_not_in_degrees_is_refused(serve, plan_of, sky):
    hours = [f"{ra / 15:.6f}" for ra in sky["ra"].to_pylist()]
    server = serve(sky.append_column("hours", [hours]))
    with pytest.raises(ColumnError, match=r"column hours of stars .* is string .*, but cells are"):
        plan_of(server, REGIONS["cone"], ra="hours").run(Heard())
    radians = describe(pa.field("radians", pa.float64()), unit="rad")
    server = serve(sky.append_column(radians, pa.chunked_array([np.radians(sky["ra"])])))
    with pytest.raises(ColumnError, match=r"column radians of stars .* with the unit rad"):
        plan_of(server, REGIONS["cone"], ra="radians").run(Heard())
    with pytest.raises(ColumnError, match="a HEALPix pixel is a whole number"):
        plan_of(serve(), REGIONS["cone"], area="healpix", healpix="mag").run(Heard())


def test_a_region_without_rows_brings_none(serve, plan_of, sky):
    fetched = plan_of(serve(sky.slice(0, 10)), Cone(10, 10, 1.0)).run(Heard())
    assert (fetched.files, fetched.rows) == ((), 0)


def test_the_time_left_can_be_told_since_all_rows_are_counted_first(serve, plan_of):
    heard = Heard()
    fetched = plan_of(serve(), REGIONS["cone"]).run(heard)
    assert [name for name, _ in heard.stages] == ["counting", "fetching"]
    assert heard.stages[-1] == ("fetching", fetched.received)
    assert heard.rows == fetched.received


@pytest.mark.parametrize("survey", ["sdss", "2mass", "allwise", "catwise", "gaia", "lamost"])
def test_a_survey_bears_few_requests_at_once_unless_it_is_said_otherwise(survey):
    assert 1 <= target_of(load(survey)).service.parallel <= 4
    assert target_of(load(survey), parallel=1).service.parallel == 1
