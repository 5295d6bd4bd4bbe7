"""The lineage as one picture: tables in bands from the sources on the left to the marts on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from pipeline.lineage import FAMILIES, Graph, landed_by
from pipeline.models import Model
from pipeline.reference import short
from pipeline.sources import SOURCES

# Sizes in units of the picture. A letter is as wide as one of 10 units in any monospaced font.
LETTER_WIDTH, PADDING = 6.02, 7
ROW_HEIGHT, CAPTION_HEIGHT, BOX_HEIGHT, GAP_WIDTH, HEAD_HEIGHT = 16.5, 20, 15, 64, 26
BANDS = {
    "Sources": (),
    "What landed": ("raw", "meta"),
    "Staging": ("staging", "curated"),
    "Intermediate": ("intermediate", "fitted"),
    "Marts": ("marts",),
    "Claims": ("claims",),
}
INTERMEDIATE, MARTS, CLAIMS = 3, 4, 5


@dataclass(frozen=True)
class Node:
    """A source or a table: where its box begins, and at which height its middle is."""

    name: str
    label: str
    is_source: bool
    x: float
    y: float
    width: float

    @property
    def top(self) -> float:
        """Where the box begins."""
        return self.y - BOX_HEIGHT / 2


@dataclass(frozen=True)
class Edge:
    """What reads (`end`) and what is read (`start`), as places in the list of nodes, and the line between them."""

    start: int
    end: int
    path: str


@dataclass(frozen=True)
class Caption:
    """A word above a band or a family."""

    text: str
    x: float
    y: float
    is_band: bool


@dataclass(frozen=True)
class Drawing:
    """The whole picture."""

    width: float
    height: float
    nodes: list[Node]
    edges: list[Edge]
    captions: list[Caption]


def draw(known: Mapping[str, Model], reads: Graph) -> Drawing:
    """Lay all tables and their sources out."""
    made_of = {name: landed_by(name) or sorted(found) for name, found in reads.items()}
    bands = [list(SOURCES), *([name for name in reads if _band(known[name]) == band] for band in range(1, len(BANDS)))]
    families = {family: [one for one in tables if one in bands[MARTS]] for family, tables in FAMILIES.items()}
    middles, names_of_families = _by_family({family: tables for family, tables in families.items() if tables})
    captions: list[Caption] = []
    bottom = max(middles.values()) + ROW_HEIGHT / 2
    nodes: list[Node] = []
    x = 0.0
    for band, (title, names) in enumerate(zip(BANDS, bands, strict=True)):
        if band not in (MARTS, INTERMEDIATE):  # whose tables read each other: the order of the build is kept there
            names.sort(key=lambda name: _middle_of(made_of.get(name, ()), middles, bottom))
        if band != MARTS:
            step = (bottom - HEAD_HEIGHT) / len(names)
            middles |= {name: HEAD_HEIGHT + step * (place + 0.5) for place, name in enumerate(names)}
        width = max(len(_label(name)) for name in names) * LETTER_WIDTH + 2 * PADDING
        captions.append(Caption(title, x, 14, is_band=True))
        if band == MARTS:
            captions += [Caption(family, x, y, is_band=False) for family, y in names_of_families.items()]
        names.sort(key=middles.__getitem__)
        nodes += [Node(name, _label(name), band == 0, x, middles[name], width) for name in names]
        x += width + GAP_WIDTH
    place = {node.name: number for number, node in enumerate(nodes)}
    pairs = sorted((place[read], place[name]) for name, found in made_of.items() for read in found)
    edges = [Edge(start, end, _line(nodes[start], nodes[end])) for start, end in pairs]
    return Drawing(x, bottom + 10, nodes, edges, captions)


def _middle_of(names: Sequence[str], middles: Mapping[str, float], bottom: float) -> float:
    """Return the height in the midst of what a table reads; `meta.loads`, which nearly all read, tells nothing."""
    return mean([middles[name] for name in names if name in middles and not name.startswith("meta.")] or [bottom])


def _by_family(families: Mapping[str, list[str]]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the height of the middle of each table, and of each family's name above its own."""
    tables, names, y = {}, {}, float(HEAD_HEIGHT)
    for family, members in families.items():
        names[family] = y + CAPTION_HEIGHT / 2 + 4
        y += CAPTION_HEIGHT
        for member in members:
            tables[member] = y + ROW_HEIGHT / 2
            y += ROW_HEIGHT
    return tables, names


def _band(model: Model) -> int:
    if model.full_name in FAMILIES["Claims"]:
        return CLAIMS
    if model.schema == "meta" and model.kind != "ledger":
        return MARTS
    return next(place for place, schemas in enumerate(BANDS.values()) if model.schema in schemas)


def _label(name: str) -> str:
    """Return what a box says: without the schema, where its band or a prefix tells that."""
    return short(name).removeprefix("raw.").removeprefix("claims.")


def _line(start: Node, end: Node) -> str:
    """Return a curve to the right, to the left where it goes back, and around the right side within a band."""
    left, right = start.x + start.width, end.x
    if start.x == end.x:
        bulge = left + 14 + min(abs(end.y - start.y) / 12, 40)
        return f"M{left:.0f} {start.y:.0f}C{bulge:.0f} {start.y:.0f} {bulge:.0f} {end.y:.0f} {left:.0f} {end.y:.0f}"
    if end.x < start.x:
        left, right = start.x, end.x + end.width
    middle = (left + right) / 2
    return f"M{left:.0f} {start.y:.0f}C{middle:.0f} {start.y:.0f} {middle:.0f} {end.y:.0f} {right:.0f} {end.y:.0f}"
