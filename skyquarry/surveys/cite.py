"""Whom to cite and thank for a catalogue and for all that it was made from.

A catalogue says it in the keys of HATS: `bib_reference` (bibcodes or DOIs), `obs_ack`, and
`prov_progenitor` with the catalogues that it was made from. Papers are looked up in the role files,
so that BibTeX is written offline; one that no role file knows is named, not left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyquarry.errors import NotFoundError
from skyquarry.surveys.load import load, names

if TYPE_CHECKING:
    from skyquarry.catalog.roles import Reference, Survey

# Given the name or path of a progenitor as a catalogue wrote it: its properties, None where it
# cannot be opened.
Opener = Callable[[str], Mapping[str, str] | None]


@dataclass(frozen=True, slots=True)
class Citation:
    """What a result owes to others."""

    catalogues: tuple[str, ...]
    references: tuple[Reference, ...]
    unknown: tuple[str, ...]
    acknowledgements: tuple[str, ...]
    licences: tuple[str, ...]
    missing: tuple[str, ...]
    """`unknown`: papers that no role file describes, as they were written; `missing`: what it was
    made from that is no catalogue here (files, say), so that what that owes is not listed."""

    def bibtex(self) -> str:
        """The papers as BibTeX entries, one that no role file describes as a line of comment."""
        entries = [bibtex_entry(reference) for reference in self.references]
        return "\n\n".join([*entries, *(f"% not described here: {each}" for each in self.unknown)])

    def to_text(self) -> str:
        """BibTeX, then the acknowledgements and licences, as comments of BibTeX."""
        parts = [f"% {' <- '.join(self.catalogues)}", self.bibtex()]
        parts += [_commented("Acknowledgement", text) for text in self.acknowledgements]
        parts += [_commented("Licence", text) for text in self.licences]
        parts += [
            f"% made from {name}, which is no catalogue here: are its papers among the above?"
            for name in self.missing
        ]
        return "\n\n".join(part for part in parts if part)

    def to_dict(self) -> dict[str, object]:
        """The same as plain data, for `--json`."""
        return {
            "catalogues": list(self.catalogues),
            "bibcodes": [reference.bibcode for reference in self.references],
            "bibtex": self.bibtex(),
            "unknown": list(self.unknown),
            "acknowledgements": list(self.acknowledgements),
            "licences": list(self.licences),
            "missing": list(self.missing),
        }


def cite(properties: Mapping[str, str], *, open_progenitor: Opener | None = None) -> Citation:
    """What the catalogue with these properties owes, through its whole ancestry.

    `open_progenitor` finds the properties of an ancestor; an ancestor seen twice is followed once.
    """
    heap, seen = [dict(properties)], {_name(properties)}
    ancestry, missing = [dict(properties)], []
    while heap:
        told = heap.pop().get("prov_progenitor", "")
        found = _opened(told, open_progenitor)
        if None in found.values():
            missing += [told] if not any(found.values()) else [k for k, v in found.items() if not v]
        for each in found.values():
            if each is not None and _name(each) not in seen:
                seen.add(_name(each))
                heap.append(dict(each))
                ancestry.append(dict(each))
    return _gathered(ancestry, missing)


def _opened(told: str, opener: Opener | None) -> dict[str, Mapping[str, str] | None]:
    """The properties of each progenitor that a catalogue names; None for one not to be opened."""
    return {name: opener(name) if opener else None for name in _words(told)}


def cite_survey(survey: Survey) -> Citation:
    """What anyone who uses the survey owes."""
    return _gathered([{"obs_collection": survey.name, **survey.to_properties()}], [])


def bibtex_entry(reference: Reference) -> str:
    """One @ARTICLE (or @MISC where there is no volume), keyed by its bibcode as ADS does.

    >>> from skyquarry.surveys.load import load
    >>> print(bibtex_entry(load("tycho2").references[0]).splitlines()[0])
    @ARTICLE{2000A&A...355L..27H,
    """
    told = {
        "author": " and ".join(_author(name) for name in reference.authors),
        "title": "{" + _escaped(reference.title) + "}",
        "journal": _escaped(reference.journal or ""),
        "year": str(reference.year),
        "volume": reference.volume or "",
        "pages": reference.page or "",
        "doi": reference.doi or "",
        "adsurl": f"https://ui.adsabs.harvard.edu/abs/{reference.bibcode.replace('&', '%26')}",
    }
    kind = "ARTICLE" if reference.volume else "MISC"
    lines = [f"  {key} = {{{value}}}" for key, value in told.items() if value]
    return f"@{kind}{{{reference.bibcode},\n" + ",\n".join(lines) + "\n}"


def _author(name: str) -> str:
    """'others' is BibTeX's own word; a collaboration's name is kept whole by braces."""
    return name if name == "others" or "," in name else "{" + _escaped(name) + "}"


def _escaped(text: str) -> str:
    return text.replace("&", r"\&").replace("%", r"\%").replace("_", r"\_")


def _commented(title: str, text: str) -> str:
    import textwrap

    wrapped = textwrap.wrap(f"{title}: {text}", 96)
    return "\n".join(f"% {line}" for line in wrapped)


def _words(text: str) -> list[str]:
    """The items of a list of HATS: separated by spaces, commas, semicolons or line ends."""
    return text.replace(",", " ").replace(";", " ").split()


def _name(properties: Mapping[str, str]) -> str:
    keys = ("creator_did", "obs_collection")
    return " ".join(properties.get(key, "") for key in keys) or repr(sorted(properties.items()))


def _gathered(ancestry: list[dict[str, str]], missing: list[str]) -> Citation:
    known = _known_papers()
    papers, thanks, licences = [], [], []
    for told in ancestry:
        survey = _survey_of(told)
        cited = _words(told.get("bib_reference", "")) or list(survey.bibcodes if survey else ())
        papers += cited
        thanks.append(told.get("obs_ack") or (survey.acknowledgement if survey else None))
        licences.append(told.get("obs_copyright") or (survey.licence if survey else None))
    unique = tuple(dict.fromkeys(papers))
    found = {known[p.lower()].bibcode: known[p.lower()] for p in unique if p.lower() in known}
    return Citation(
        catalogues=tuple(told.get("obs_collection", "?") for told in ancestry),
        references=tuple(found.values()),
        unknown=tuple(p for p in unique if p.lower() not in known),
        acknowledgements=_once(thanks),
        licences=_once(licences),
        missing=tuple(dict.fromkeys(missing)),
    )


def _once(texts: list[str | None]) -> tuple[str, ...]:
    """The texts, white space made plain, each once."""
    return tuple(dict.fromkeys(" ".join(text.split()) for text in texts if text))


def _survey_of(properties: Mapping[str, str]) -> Survey | None:
    name = properties.get("skyquarry_survey")
    try:
        return None if name is None else load(name)
    except NotFoundError:
        return None  # a user's own role file: what it said stands in the properties


def _known_papers() -> dict[str, Reference]:
    """Every paper of our role files, by bibcode and by DOI, both in lower case."""
    known: dict[str, Reference] = {}
    for name in names():
        for reference in load(name).references:
            known[reference.bibcode.lower()] = reference
            if reference.doi:
                known[reference.doi.lower()] = reference
                known[f"doi:{reference.doi}".lower()] = reference
    return known
