"""The graph of a river as Mermaid or Graphviz draw it, from the lines that explain it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SOURCE = "source "


def drawn(lines: Sequence[str], form: str) -> str:
    """Text for Mermaid ("mermaid") or Graphviz ("dot"): what flows into what, sources first.

    lines: each step above what flows into it, two spaces deeper; what stands below a source says
    how it is read, and belongs to it.
    """
    labels, edges = _graph(lines)
    if form == "mermaid":
        boxes = [f'  n{n}["{"<br>".join(map(_plain, each))}"]' for n, each in enumerate(labels)]
        return "\n".join(["flowchart TD", *boxes, *(f"  n{a} --> n{b}" for a, b in edges)])
    nodes = [f'  n{n} [label="{_lines(each)}"];' for n, each in enumerate(labels)]
    arrows = [f"  n{a} -> n{b};" for a, b in edges]
    return "\n".join(["digraph river {", "  node [shape=box];", *nodes, *arrows, "}"])


def _graph(lines: Sequence[str]) -> tuple[list[list[str]], list[tuple[int, int]]]:
    """Lines of each node, and (from, to) of the flows."""
    labels: list[list[str]] = []
    edges: list[tuple[int, int]] = []
    above: list[tuple[int, int]] = []  # (depth, node) down to the last one
    for line in lines:
        text = line.lstrip(" ")
        depth = len(line) - len(text)
        while above and above[-1][0] >= depth:
            above.pop()
        if above and labels[above[-1][1]][0].startswith(_SOURCE):
            labels[above[-1][1]].append(text)
            continue
        if above:
            edges.append((len(labels), above[-1][1]))
        above.append((depth, len(labels)))
        labels.append([text])
    return labels, edges


def _plain(text: str) -> str:
    """A text without what Mermaid reads as marks."""
    return (
        text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    )


def _lines(texts: Sequence[str]) -> str:
    """Lines of a label of Graphviz, to the left."""
    safe = (each.replace("\\", "\\\\").replace('"', '\\"') for each in texts)
    return "".join(f"{each}\\l" for each in safe)
