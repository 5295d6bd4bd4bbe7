"""However a rankings page is cut and ordered it says the same; whatever it is damaged to, it is read or refused."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import ContractBrokenError
from pipeline.pages.rankings import RankingsPage, parse

MODELS = [
    {
        "date": "2025-11-07 00:00:00",
        "model_permaslug": permaslug,
        "variant": variant,
        "total_completion_tokens": 20,
        "total_prompt_tokens": 300,
        "count": 11,
        "change": change,
    }
    for permaslug, variant, change in (("acme/large", "standard", 0.5), ("acme/large", "free", None))
]
APPS = [{"app_id": 7, "total_tokens": "120", "app": {"id": 7, "title": "Anvil \U0001f600 é"}}]
SECTIONS: list[Any] = [
    {"rankingData": MODELS, "rankingType": "week"},
    {"byWindow": {"day": MODELS[:1], "week": MODELS, "month": MODELS}},
    {"rankMap": {"day": APPS, "week": APPS, "month": APPS}},
    {"data": [{"x": x, "ys": {"acme/large": 9, "Others": 1.5}} for x in ("2025-10-27", "2025-11-03")]},
    {"data": [{"x": x, "ys": {"acme/large": 1, "Others": 0}} for x in ("2025-10-27", "2025-11-03")]},
    {"data": [{"x": "2025-10-26T00:00:00+00:00", "ys": {"acme": 8, "others": 2}}]},
    {"data": [{"x": x, "ys": {"acme/large": 28.333333332, "Others": 4}} for x in ("2025-11-06", "2025-11-07")]},
]
TEXT = "a text with\n2:a newline and é"
OTHERS = ['2:I[1,["3"],"default"]\n', ':HL["/font.woff2","font"]\n', f"2d:T{len(TEXT.encode()):x},{TEXT}", "37:null\n"]
ROWS = [f"{number:x}:{json.dumps(['$', '$L1', None, props])}\n" for number, props in enumerate(SECTIONS, 0x4E)]
BETWEEN = [
    '<script>$RC("B:1","S:1")</script>',
    '<script src="/a.js" async></script>',
    "<p>&lt;</p>",
    "<script></script>",
]


def page(stream: str, cuts: list[int], between: list[str]) -> bytes:
    """Push the stream in UTF-16 units, as JavaScript cuts it, with `between` among the pushes."""
    units = stream.encode("utf-16-le")
    ends = sorted({cut % (len(units) // 2) for cut in cuts} | {len(units) // 2})
    starts = [0, *ends[:-1]]
    html = "<html><title>LLM Rankings | OpenRouter</title><script>(self.__next_f=self.__next_f||[]).push([0])</script>"
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        chunk = units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
        html += f"<script>self.__next_f.push([1,{json.dumps(chunk)}])</script>"
        html += between[number % len(between)] if between else ""
    return (html + "</html>").encode()


def same(one: RankingsPage, other: RankingsPage) -> bool:
    return one.models.equals(other.models) and one.chart.equals(other.chart) and one.apps.equals(other.apps)


WHOLE = page("".join(OTHERS + ROWS), [], [])
EXPECTED = parse(WHOLE)


def test_the_page_holds_every_section() -> None:
    assert EXPECTED.models["ranking_window"].to_list() == ["day", "week", "week", "month", "month"]
    assert set(EXPECTED.chart["chart"]) == {"models", "authors", "unknown_1", "unknown_2"}
    assert EXPECTED.apps["app_name"].to_list() == ["Anvil \U0001f600 é"] * 3


@settings(max_examples=120, deadline=None)
@given(
    rows=st.permutations(OTHERS + ROWS),
    repeated=st.lists(st.sampled_from(ROWS), max_size=2),
    cuts=st.lists(st.integers(0, 10_000), max_size=30),
    between=st.lists(st.sampled_from(BETWEEN), max_size=3),
)
def test_cuts_order_and_other_scripts_change_nothing(
    rows: list[str], repeated: list[str], cuts: list[int], between: list[str]
) -> None:
    assert same(parse(page("".join(rows + repeated), cuts, between)), EXPECTED)


def read_or_refused(body: bytes) -> None:
    """What is read holds the contract, and what is refused is refused in one sentence."""
    try:
        result = parse(body, "saved.html")
    except ContractBrokenError as refusal:
        said = str(refusal)
    else:
        require_contract(result)
        return
    assert said.startswith("saved.html")


def require_contract(result: RankingsPage) -> None:
    assert result.models.schema == EXPECTED.models.schema
    assert result.chart.schema == EXPECTED.chart.schema
    assert result.apps.schema == EXPECTED.apps.schema
    assert result.models.select(pl.struct("ranking_window", "model_permaslug", "variant").is_unique().all()).item()
    assert not result.models.filter(pl.min_horizontal("prompt_tokens", "completion_tokens", "requests") < 0).height
    assert result.chart.filter(~(pl.col("value").is_finite() & (pl.col("value") >= 0))).is_empty()
    assert result.apps.filter(pl.col("total_tokens") < 0).is_empty()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 40), st.binary(max_size=4) | st.sampled_from(BETWEEN)),
        min_size=1,
        max_size=4,
    )
)
def test_damaged_bytes_are_read_or_refused(edits: list[tuple[int, int, bytes | str]]) -> None:
    body = WHOLE
    for start, removed, added in edits:
        body = body[:start] + (added.encode() if isinstance(added, str) else added) + body[start + removed :]
    read_or_refused(body)


SCALARS: list[Any] = [None, True, -1, 0, 1.5, 2**63, 10**30, math.inf, math.nan]
TEXTS: list[Any] = ["", "7", "$5", "$undefined", "\ud83d", "x" * 600]
TREES: list[Any] = [[], {}, [[]], [None], {"ys": 1}, [{"ys": {"a/b": 1}}], {"day": [MODELS[0]]}, {"rankMap": 1}]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), junk=st.sampled_from(SCALARS + TEXTS + TREES))
def test_damaged_values_are_read_or_refused(data: st.DataObject, junk: Any) -> None:
    sections = copy.deepcopy(SECTIONS)
    holder: Any = sections
    while True:
        key = data.draw(st.sampled_from(range(len(holder)) if isinstance(holder, list) else sorted(holder)))
        inner = holder[key]
        if not inner or not isinstance(inner, dict | list) or data.draw(st.integers(0, 4)) == 0:
            break
        holder = inner
    holder[key] = junk
    read_or_refused(page("".join(f"{number:x}:{json.dumps(props)}\n" for number, props in enumerate(sections)), [], []))
