"""A result names the papers and thanks the makers of all that it was made from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skyquarry.surveys.cite import bibtex_entry, cite, cite_survey
from skyquarry.surveys.load import load, names

MATCH = {"obs_collection": "match", "prov_progenitor": "gaia twomass"}
TREE = {
    "gaia": {"obs_collection": "gaia", **load("gaia").to_properties()},
    "twomass": {
        "obs_collection": "twomass", "prov_progenitor": "gaia", **load("2mass").to_properties(),
    },
}  # fmt: skip


def parsed(entry: str) -> dict[str, str]:
    """The fields of one BibTeX entry, by a reader that balances braces."""
    assert entry.count("{") == entry.count("}")
    fields = re.findall(r"^  (\w+) = \{(.*)\},?$", entry, re.MULTILINE)
    assert len(fields) == len(entry.splitlines()) - 2
    return dict(fields)


@pytest.mark.parametrize("name", names())
def test_each_paper_of_a_survey_has_a_whole_entry(name):
    for reference in load(name).references:
        entry = bibtex_entry(reference)
        told = parsed(entry)
        assert {"author", "title", "year", "adsurl"} <= set(told)
        assert reference.bibcode.startswith(told["year"])
        assert entry.splitlines()[0].split("{")[1] == reference.bibcode + ","


def test_a_result_cites_its_whole_ancestry_once():
    made = cite(MATCH, open_progenitor=TREE.get)
    assert made.catalogues[0] == "match"
    assert set(made.catalogues) == {"match", "gaia", "twomass"}
    bibcodes = [reference.bibcode for reference in made.references]
    assert sorted(bibcodes) == sorted({*load("gaia").bibcodes, *load("2mass").bibcodes})
    assert len(made.acknowledgements) == 2
    assert any("DPAC" in text for text in made.acknowledgements)
    assert made.missing == ()


def test_a_circle_of_ancestors_ends():
    ring = {"a": {"obs_collection": "a", "prov_progenitor": "b"},
            "b": {"obs_collection": "b", "prov_progenitor": "a"}}  # fmt: skip
    assert cite(ring["a"], open_progenitor=ring.get).catalogues == ("a", "b")


def test_an_ancestor_that_is_gone_is_named():
    made = cite(MATCH, open_progenitor={"gaia": TREE["gaia"]}.get)
    assert made.missing == ("twomass",)
    assert "% made from twomass, which is no catalogue here" in made.to_text()


def test_files_that_it_was_made_from_are_named_as_they_were():
    told = {"obs_collection": "x", "prov_progenitor": "a.fits, b.fits and 3 more"}
    assert cite(told, open_progenitor={}.get).missing == ("a.fits, b.fits and 3 more",)


def test_a_paper_that_no_role_file_knows_is_kept():
    made = cite({"obs_collection": "x", "bib_reference": "1999xxx..1..1X, 10.1086/498708"})
    assert made.unknown == ("1999xxx..1..1X",)
    assert [reference.bibcode for reference in made.references] == ["2006AJ....131.1163S"]
    assert "% not described here: 1999xxx..1..1X" in made.bibtex()


def test_a_survey_is_cited_without_a_catalogue():
    text = cite_survey(load("wise")).to_text()
    assert "@ARTICLE{2010AJ....140.1868W," in text
    assert "% Acknowledgement: This publication makes use" in text


def test_names_and_ampersands_are_bibtexs():
    told = parsed(bibtex_entry(load("gaia").references[0]))
    assert told["author"].startswith("{Gaia Collaboration} and Prusti, T. and ")
    assert told["author"].endswith("and others")
    assert "%26" in told["adsurl"]


def test_the_repository_says_how_to_cite_it():
    root = Path(__file__).resolve().parents[2]
    text = (root / "CITATION.cff").read_text()
    for key in ("cff-version: 1.2.0", "title:", "authors:", "license: BSD-3-Clause", "message:"):
        assert key in text
