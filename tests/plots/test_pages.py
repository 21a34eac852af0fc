"""Parts of pages."""

from __future__ import annotations

from skyquarry.plots.pages import table


def test_columns_of_words_stand_to_the_left_and_numbers_to_the_right() -> None:
    told = table(
        ["survey", "what it is", "rows", "errors"],
        [
            ["sdss", "SDSS DR18 PhotoObj", "81,571", "not known"],
            ["twomass", "2MASS All-Sky Catalog", "6,182", "not known"],
            ["gaia", "Gaia DR3", "not measured", "-0.5"],
        ],
    )
    assert '<th>survey</th><th class="words">what it is</th><th>rows</th><th>errors</th>' in told
    assert '<td>twomass</td><td class="words">2MASS All-Sky Catalog</td><td>6,182</td>' in told
    assert "<td>not measured</td><td>-0.5</td>" in told
