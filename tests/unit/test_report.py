"""The pure parts of the report: what is thinned out, where numbers stand, what a sparkline leaves out."""

from __future__ import annotations

import re
from datetime import date, timedelta

import duckdb
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("altair", reason="the extra `report` is not installed")

from pipeline.report import charts, drawing, page
from pipeline.report.figures import base, growth, kind, market, origin, trust

FIRST = date(2025, 1, 1)


def days(count: int) -> list[dict[str, object]]:
    return [{"date": FIRST + timedelta(days=n), "value": n} for n in range(count)]


@given(count=st.integers(1, 3000), width_px=st.sampled_from([drawing.WIDE_PX, drawing.NARROW_PX]))
def test_a_chart_has_no_more_days_than_pixels_and_keeps_the_newest_and_every_weekday(count: int, width_px: int) -> None:
    kept = [row["date"] for row in charts.thinned(days(count), width_px)]
    assert len(kept) <= width_px
    assert kept[-1] == FIRST + timedelta(days=count - 1)
    assert kept == [row["date"] for row in days(count)] if count <= width_px else len(kept) > width_px / 3
    if count >= 3000:
        assert {day.weekday() for day in kept} == set(range(7))


def test_days_that_are_many_times_the_pixels_keep_every_weekday() -> None:
    # Seven times as many: each seventh day would be the same weekday.
    kept = charts.thinned(days(7 * drawing.NARROW_PX), drawing.NARROW_PX)
    assert {row["date"].weekday() for row in kept} == set(range(7))


def test_no_line_crosses_days_that_are_not_loaded() -> None:
    rows = [row | {"of": name, "share_pct": 50.0} for row in days(30) if row["value"] not in (10, 11) for name in "ab"]
    kept = charts.thinned(rows, drawing.WIDE_PX, "of")
    assert len(kept) == 60
    assert [row for row in kept if "value" not in row] == [
        {"date": FIRST + timedelta(days=n), "of": name} for n in (10, 11) for name in "ab"
    ]
    fills = {"a": "series-1", "b": "series-2"}
    spec = charts.stacked_shares(rows, drawing.LIGHT, 400, group="of", fills=fills, title="share")
    areas = re.findall(r'class="mark-area.*?</g>', drawing.to_svg(spec))
    # Each of the two areas is drawn in two pieces.
    assert [len(re.findall(r"M[\d.]+,", area)) for area in areas] == [2, 2]


def test_a_sparkline_has_a_gap_where_nothing_is_listed_and_starts_at_zero() -> None:
    svg = BeautifulSoup(page.sparkline_svg([None, 5, 10, None, 10, None]), "html.parser").find("svg")
    assert svg.path["d"] == "M24.0,13.0h0L48.0,0.0M96.0,0.0h0"
    assert svg["aria-label"] == "5 to 10, listed on 3 of 6 days"
    assert BeautifulSoup(page.sparkline_svg([None, None]), "html.parser").find("svg").path["d"] == ""
    assert BeautifulSoup(page.sparkline_svg([0]), "html.parser").find("svg").path["d"] == "M0.0,26.0h0"


def test_only_sources_that_are_judged_count_as_held_or_well() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute("create schema meta")
        connection.execute(
            "create table meta.sources as from (values ('a', 'day'), ('p', 'capture')) as _ (source, cadence)"
        )
        connection.execute(
            "create table marts.rpt_coverage as from (values ('a', date '2025-01-01', 'loaded'), "
            "('a', date '2025-01-02', 'missing'), ('p', date '2025-01-02', 'loaded')) as _ (source, date, state)"
        )
        coverage = trust.coverage(base.Reader(connection, ["rpt_coverage"]))
    assert coverage.finding == "0 of 1 sources are held without a gap. Not judged: p."
    assert coverage.rows == [("a", 1, 2, "missing"), ("p", 1, base.NONE, "loaded")]
    row = {"verdict": "ok", "newest_date": None, "due_date": None, "volume_ratio": None, "warning": None}
    states = {"a": "fresh", "b": "fresh", "p": "not judged"}
    rows = [row | {"source": source, "freshness": freshness} for source, freshness in states.items()]
    assert trust.health(lambda _: rows).finding == "All 2 sources that are judged are well. Not judged: p."
    assert trust.health(lambda _: rows[:2]).finding == "All 2 sources that are judged are well."


def test_what_was_read_once_is_not_said_to_be_unchanged() -> None:
    row = {"date": FIRST, "model_permaslug": "a/b", "vintages": 2, "first_tokens": 100, "last_tokens": 100}
    same = row | {"change_pct": 0.0, "is_restated": False}
    changed = row | {"last_tokens": 101, "change_pct": 1.0, "is_restated": True}
    new = row | {"first_tokens": None, "change_pct": None, "is_restated": True}
    assert trust.restated(lambda _: []).finding == "No day was read twice yet."
    assert trust.restated(lambda _: [same]).finding == "No figure that was read again had changed."
    found = trust.restated(lambda _: [changed, new, same])
    assert found.finding == "The largest restatement held is +1.0000 % of a/b on 2025-01-01."
    assert [cells[-1] for cells in found.rows] == ["+1.0000 %", base.NONE]


def test_the_price_of_a_free_variant_is_never_called_unknown() -> None:
    row = {"date": FIRST, "model_permaslug": "a/b:free", "total_tokens": 5, "share_pct": 1.0}
    found = trust.unmatched(lambda _: [row | {"models": 1, "models_share_pct": 1.0}])
    assert found.finding.endswith("their age, their context and, but for free variants, their price are unknown.")


def test_numbers_of_near_days_stand_below_each_other() -> None:
    events = [{"date": FIRST + timedelta(days=n)} for n in (10, 11, 12, 13, 60)]
    growth.place_numbers(events, FIRST, FIRST + timedelta(days=100))
    assert [event["top_px"] for event in events] == [0, 15, 30, 0, 0]


def test_a_picture_in_the_page_has_ids_of_its_own_and_says_where_its_plot_is() -> None:
    rows = [{"date": FIRST + timedelta(days=n), "value": float(n), "low": n / 2, "high": n * 2.0} for n in range(9)]
    spec = charts.lines(rows, drawing.VARIABLES, 400, line="value", band=("low", "high"), title="value")
    spec["layer"][1]["mark"]["clip"] = True
    one, two = drawing.inline(spec, "one"), drawing.inline(spec, "two")
    ids = [{tag["id"] for tag in BeautifulSoup(svg, "html.parser").find_all(id=True)} for svg in (one.svg, two.svg)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert 0 < one.plot_left_px < 100
    assert 280 < one.plot_width_px <= 400 - one.plot_left_px
    assert "var(--series-1)" in one.svg


@pytest.mark.parametrize("colours", [drawing.LIGHT, drawing.DARK], ids=["light", "dark"])
def test_words_stand_out_from_the_ground(colours: drawing.Colours) -> None:
    """WCAG 2.2, 1.4.3: text needs a contrast of 4.5 to 1."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    for words in ("ink", "muted"):
        for ground in ("paper", "grid"):
            light, dark = sorted((luminance(colours[words]), luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (words, ground)


def test_price_indexes_are_drawn_from_the_second_catalogue_on() -> None:
    rows = [
        {
            "date": FIRST + timedelta(days=n),
            "base_date": FIRST,
            "fisher_index": 100.0 - n,
            "tornqvist_index": 100.0 - n if n != 1 else None,
            "unit_value_index": 100.0 + n,
            "priced_pct": 90.0,
            "is_provisional": n == 2,
        }
        for n in range(3)
    ]
    figure = market.price_index(lambda _: rows)
    assert figure.finding == (
        "Prices of matched models stand at 98.0 (Fisher), 2025-01-01 being 100; what a token costs on average, which "
        "the choice of models moves too, at 102.0."
    )
    assert figure.is_provisional
    assert list(figure.rows[1]) == [FIRST + timedelta(days=1), "99.00", base.NONE, "101.00", "90.0 %"]
    assert figure.draw
    assert "var(--series-3)" in drawing.inline(figure.draw(drawing.VARIABLES, 400), "index").svg
    assert market.price_index(lambda _: rows[:1]).draw is None


NAMES = ["constructor", "toString", "__proto__", 'a"]+alert(1)+["', "plain"]


def test_a_name_that_javascript_has_taken_is_a_name() -> None:
    """Vega keeps values as keys of plain objects."""
    one = {"start": 0.0, "end": 1.0, "low": 0.0, "point": 0.5, "high": 1.0, "words": "1", "colour": "#000000"}
    named = [{"name": name, "value": 1.0, **one} for name in NAMES]
    by_day = [row | {"of": name, "share_pct": 20.0} for row in days(3) for name in NAMES]
    fills = dict(zip(NAMES, drawing.LIGHT, strict=False))
    for spec in (
        charts.waterfall(named, drawing.LIGHT, 700, title="x"),
        charts.intervals(named, drawing.LIGHT, 700, title="x"),
        charts.bars(named, drawing.LIGHT, 700, name="name", value="value", words="words", title="x"),
        charts.stacked_shares(by_day, drawing.LIGHT, 700, group="of", fills=fills, title="x"),
    ):
        texts = {tag.get_text() for tag in BeautifulSoup(drawing.to_svg(spec), "html.parser").find_all("text")}
        assert texts >= set(NAMES)


def test_a_day_that_is_missing_between_the_shown_ones_is_a_gap() -> None:
    rows = [row for row in days(2000) if row["value"] != 1000]
    blanks = [row for row in charts.thinned(rows, drawing.NARROW_PX) if "value" not in row]
    assert len(blanks) == 1


def test_apps_of_a_day_without_a_total_have_no_share() -> None:
    row = {"app_name": "One", "total_requests": 2, "tokens_per_request": 5.0, "is_provisional": True}
    rows = [row | {"rank": 1, "date": FIRST, "total_tokens": 10, "share_pct": None}]
    figure = kind.apps(lambda _: rows)
    assert figure.finding == "One is the largest app of 2025-01-01, whose total is not loaded."
    assert figure.rows[0][3] == base.NONE
    assert figure.draw
    assert "10" in drawing.to_svg(figure.draw(drawing.LIGHT, 400))


def test_the_leader_of_the_newest_day_is_named_even_if_the_largest_of_the_month_is_gone() -> None:
    places = [("gone", 1), ("here", 2), ("not listed", 8)]
    rows = [
        {"date": row["date"], "organisation": name, "position": place, "share_pct": 30.0, "is_provisional": False}
        for row in days(3)
        for name, place in places
        if (name, row["value"]) != ("gone", 2)
    ]
    assert origin.shares(lambda _: rows).finding == (
        "here has 30.0 % of the tokens of 2025-01-03; 30.0 % go to models below rank 50, whose makers the source does "
        "not name."
    )


def test_a_market_that_began_with_nothing_has_no_ratio() -> None:
    rows = [
        {
            "date": row["date"],
            "total_tokens": row["value"],
            "mean_7d_tokens": row["value"],
            "growth_7d_pct": None,
            "is_provisional": False,
        }
        for row in days(9)
    ]
    assert growth.total(lambda name: rows if name == "total" else []).finding == "8 tokens on 2025-01-09."


def test_a_model_that_was_below_the_list_a_week_ago_is_not_new() -> None:
    row = {
        **{"rank": 1, "entity": "a/b", "total_tokens": 10, "share_pct": 10.0, "daily_tokens": [10]},
        **{"growth_7d_pct": None, "growth_7d_low_pct": 5.0, "growth_7d_high_pct": None, "contribution_7d_pp": 1.0},
        **{"date": FIRST + timedelta(days=60), "first_date": FIRST, "is_provisional": False},
    }
    changes = [(None, FIRST), (None, FIRST + timedelta(days=58)), (2, FIRST), (-1, FIRST), (0, FIRST)]
    rows = [row | {"rank_change_7d": change, "first_date": first} for change, first in changes]
    figure = origin.leaderboard(lambda _: rows)
    assert [one[1] for one in figure.rows] == ["unlisted", "new", "▲ 2", "▼ 1", "="]
