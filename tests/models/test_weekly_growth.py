"""Growth of the weekly estimates: what is compared with what, and that contributions add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from pipeline import models
from tests.models.harness import MODELS, insert, landed, rows

MONDAY = date(2025, 1, 6)
LATE = datetime(2026, 6, 3)
TABLE = "fct_token_growth_weekly"
Weeks = Sequence[int | None]


@dataclass(frozen=True)
class Estimates:
    """One answer: tokens of consecutive weeks of a slice; None leaves a week out."""

    slice: str
    weeks: Weeks
    first: int = 0
    as_of: datetime = LATE
    dimension: str = "category"
    floor: int | None = None

    @property
    def source(self) -> str:
        return "rankings-categories" if self.dimension == "category" else "rankings-languages"

    @property
    def tokens(self) -> Mapping[date, int]:
        return {week(self.first + number): tokens for number, tokens in enumerate(self.weeks) if tokens is not None}


def week(number: int) -> date:
    return MONDAY + timedelta(weeks=number)


def built(*answers: Estimates) -> duckdb.DuckDBPyConnection:
    """A warehouse with these answers; the tokens of a week are those of two models and the rest."""
    connection = landed()
    for number, answer in enumerate(answers):
        facts = {"as_of": answer.as_of, "fetched_at": answer.as_of, "load_id": f"load-{number}"}
        facts |= {"source": answer.source}
        slice_of = {"dimension": answer.dimension, "slice": answer.slice}
        ranked = [
            {"week_start_date": on, **slice_of, "model_permaslug": slug, "total_tokens": part, **facts}
            for on, tokens in answer.tokens.items()
            for slug, part in (("a/one", tokens // 2), ("other", tokens - tokens // 2))
        ]
        insert(connection, "raw.rankings_estimates_weekly", ranked)
        dates = {"first_date": min(answer.tokens), "last_date": max(answer.tokens)} if answer.tokens else {}
        floor = {} if answer.floor is None else {"floor_date": week(answer.floor)}
        load = {"outcome": "landed" if dates else "absent", "is_simulated": False, "series": [answer.slice]}
        insert(connection, "meta.loads", [facts | load | dates | floor])
    models.require_passed(models.build(connection, MODELS, [f"+{TABLE}"]))
    return connection


def of(connection: duckdb.DuckDBPyConnection, entity: str, columns: str, dimension: str = "category") -> list[Any]:
    """What the table says of an entity, week by week; bare values for one column."""
    query = f"select {columns} from marts.{TABLE} where dimension = ? and entity = ? order by week_start_date"
    found = connection.execute(query, [dimension, entity]).fetchall()
    return [row[0] for row in found] if found and len(found[0]) == 1 else found


def near(*values: float | None) -> Any:
    return [None if value is None else pytest.approx(value) for value in values]


def test_it_builds_without_estimates() -> None:
    assert rows(built(), TABLE, "count(*)") == [(0,)]


def test_all_is_the_sum_of_the_slices_that_lie_within_no_other() -> None:
    connection = built(
        Estimates("legal", [100, 130]),
        Estimates("marketing", [300, 310]),
        Estimates("marketing/seo", [50, 100]),
        Estimates("natural", [40, 50], dimension="language_type"),
    )
    columns = "dimension, entity, parent_entity, estimated_tokens, share_pct, growth_1w_pct, contribution_1w_pp"
    columns += ", delta_1w_tokens, is_estimate"
    assert rows(connection, TABLE, columns, f"week_start_date = date '{week(1)}'") == [
        ("category", "all", None, 440, 100.0, 10.0, None, 40, True),
        ("category", "legal", None, 130, pytest.approx(100 * 130 / 440), 30.0, 7.5, 30, True),
        ("category", "marketing", None, 310, pytest.approx(100 * 310 / 440), pytest.approx(10 / 3), 2.5, 10, True),
        ("category", "marketing/seo", "marketing", 100, pytest.approx(100 * 100 / 440), 100.0, None, 50, True),
        ("language", "all", None, 50, 100.0, 25.0, None, 10, True),
        ("language", "natural", None, 50, 100.0, 25.0, 25.0, 10, True),
    ]
    first = "growth_1w_pct, growth_4w_pct, growth_52w_pct, contribution_1w_pp, delta_1w_tokens, estimated_tokens_4w"
    assert of(connection, "legal", first)[0] == (None,) * 6
    assert of(connection, "legal", "share_pct")[0] == 25.0


def test_a_category_and_a_language_type_of_one_name_stay_apart() -> None:
    connection = built(
        Estimates("programming", [10, 20], first=1, floor=1),
        Estimates("legal", [1, 1, 1]),
        Estimates("programming", [5, 6], first=1, dimension="language_type"),
        Estimates("natural", [7, 7, 7], dimension="language_type"),
    )
    # The category is known to begin in the second week; the language type is merely not held before it.
    assert of(connection, "all", "estimated_tokens") == [1, 11, 21]
    assert of(connection, "all", "estimated_tokens", "language") == [None, 12, 13]


def test_four_weeks_are_compared_with_the_four_before() -> None:
    connection = built(Estimates("legal", [10, 10, 20, 20, 30, 30, 30, 0, 90]), Estimates("trivia", [40] * 9))
    columns = "estimated_tokens_4w, growth_4w_pct, delta_4w_tokens, contribution_4w_pp"
    assert of(connection, "legal", columns)[2:] == [
        (None, None, None, None),
        (60, None, None, None),
        (80, None, None, None),
        (100, None, None, None),
        (110, None, None, None),
        (90, 50.0, 30, pytest.approx(100 * 30 / 220)),
        (150, 87.5, 70, pytest.approx(100 * 70 / 240)),
    ]
    assert of(connection, "trivia", columns)[7] == (160, 0.0, 0, 0.0)
    assert of(connection, "all", columns)[7:] == [
        (250, pytest.approx(100 * 30 / 220), 30, None),
        (310, pytest.approx(100 * 70 / 240), 70, None),
    ]


def test_a_week_is_compared_with_the_one_52_weeks_earlier() -> None:
    connection = built(Estimates("legal", [10, 20, *[None] * 50, 15, 15]))
    assert of(connection, "legal", "growth_52w_pct") == [None, None, 50.0, -25.0]
    assert of(connection, "all", "growth_52w_pct") == [None, None, 50.0, -25.0]


def test_a_week_that_is_not_held_is_a_gap() -> None:
    gap = 10
    connection = built(Estimates("legal", [100 if number != gap else None for number in range(20)]))
    for entity in ("legal", "all"):
        held = dict(
            zip(
                of(connection, entity, "week_start_date"),
                of(connection, entity, "growth_1w_pct, estimated_tokens_4w, growth_4w_pct"),
                strict=True,
            )
        )
        for number in range(20):
            if number == gap:
                assert week(gap) not in held
                continue
            has_1w = number >= 1 and number != gap + 1
            has_4w = number >= 3 and not gap <= number < gap + 4
            has_8w = number >= 7 and not gap <= number < gap + 8
            expected = (0.0 if has_1w else None, 400 if has_4w else None, 0.0 if has_8w else None)
            assert held[week(number)] == expected, (entity, number)


def test_all_is_unknown_in_a_week_that_one_slice_lacks() -> None:
    connection = built(Estimates("legal", [10, 20, None, 40, 50]), Estimates("trivia", [90, 90, 90, 90, 100]))
    assert of(connection, "all", "estimated_tokens, share_pct, growth_1w_pct") == [
        (100, 100.0, None),
        (110, 100.0, 10.0),
        (None, None, None),
        (130, 100.0, None),
        (150, 100.0, pytest.approx(100 * 20 / 130)),
    ]
    # The other slice still grows, but as no part of what is unknown.
    assert of(connection, "trivia", "share_pct, growth_1w_pct, contribution_1w_pp") == [
        (90.0, None, None),
        (pytest.approx(100 * 90 / 110), 0.0, 0.0),
        (None, 0.0, None),
        (pytest.approx(100 * 90 / 130), 0.0, None),
        (pytest.approx(100 * 100 / 150), pytest.approx(100 / 9), pytest.approx(100 * 10 / 130)),
    ]


def test_four_weeks_of_which_a_slice_lacks_one_are_no_growth_of_all() -> None:
    held, other = Estimates("legal", [10] * 8), Estimates("trivia", [10] * 8 + [20])
    running = Estimates("legal", [9], first=8, as_of=datetime(2025, 3, 5))
    for connection in (built(held, other), built(held, running, other)):
        assert of(connection, "trivia", "growth_4w_pct, contribution_4w_pp")[7:] == [(0.0, 0.0), (25.0, None)]
        assert of(connection, "all", "estimated_tokens_4w, growth_4w_pct")[7:] == [(80, 0.0), (None, None)]


def test_all_is_unknown_before_and_after_the_weeks_that_are_held_of_a_slice() -> None:
    connection = built(Estimates("legal", [10, 10], first=1), Estimates("trivia", [1, 1, 1, 1]))
    assert of(connection, "all", "estimated_tokens") == [None, 11, 11, None]
    assert of(connection, "all", "growth_1w_pct") == [None, None, 0.0, None]


def test_a_nested_slice_that_lacks_a_week_takes_nothing_from_all() -> None:
    connection = built(Estimates("marketing", [10, 20]), Estimates("marketing/seo", [5], first=1))
    assert of(connection, "all", "estimated_tokens, growth_1w_pct") == [(10, None), (20, 100.0)]
    assert of(connection, "marketing", "contribution_1w_pp") == [None, 100.0]


def test_a_slice_that_begins_later_is_no_growth_of_all() -> None:
    connection = built(Estimates("legal", [50] * 9, first=2, floor=2), Estimates("trivia", [100] * 10 + [110]))
    assert of(connection, "all", "estimated_tokens") == [100, 100, *[150] * 8, 160]
    assert of(connection, "all", "growth_1w_pct") == near(None, 0, None, *[0] * 7, 100 * 10 / 150)
    # Eight weeks with both slices are needed.
    assert of(connection, "all", "growth_4w_pct") == near(*[None] * 9, 0, 100 * 10 / 600)
    assert of(connection, "trivia", "growth_4w_pct")[7:9] == [0.0, 0.0]
    assert of(connection, "trivia", "contribution_4w_pp") == near(*[None] * 9, 0, 100 * 10 / 600)
    assert of(connection, "trivia", "contribution_1w_pp")[:4] == [None, 0.0, None, 0.0]


def test_the_newest_week_of_a_slice_is_provisional_and_so_is_all_of_it() -> None:
    connection = built(Estimates("legal", [1, 1, 1]), Estimates("trivia", [1, 1]))
    assert of(connection, "legal", "is_provisional") == [False, False, True]
    assert of(connection, "trivia", "is_provisional") == [False, True]
    assert of(connection, "all", "is_provisional") == [False, True, True]
    assert set(of(connection, "all", "is_whole")) == {True}


@pytest.mark.parametrize(
    ("as_of", "is_whole"),
    [
        (datetime(2025, 1, 18, 12), False),
        (datetime(2025, 1, 19, 23, 59), False),  # Sunday: the week still runs
        (datetime(2025, 1, 20), True),
    ],
)
def test_a_week_that_still_ran_is_compared_with_none(as_of: datetime, is_whole: bool) -> None:
    running = Estimates("legal", [30], first=1, as_of=as_of)
    connection = built(
        Estimates("legal", [40, 99, 60]), Estimates("trivia", [60, 70, 80]), running, late("legal", 2, 60)
    )
    flags = "estimated_tokens, is_whole, is_provisional"
    assert of(connection, "legal", flags)[1] == (99, True, False)  # an older vintage does not count
    connection = built(Estimates("legal", [40]), running, late("legal", 2, 60), Estimates("trivia", [60, 70, 80]))
    assert of(connection, "legal", flags)[1] == (30, is_whole, not is_whole)
    assert of(connection, "all", flags)[1] == (100, is_whole, not is_whole)
    growth = "growth_1w_pct, share_pct, contribution_1w_pp"
    if is_whole:
        assert of(connection, "legal", growth)[1:] == [(-25.0, 30.0, -10.0), (100.0, pytest.approx(300 / 7), 30.0)]
        assert of(connection, "all", "growth_1w_pct")[1:] == [0.0, 40.0]
    else:
        assert of(connection, "legal", growth)[1:] == [(None, None, None), (None, pytest.approx(300 / 7), None)]
        assert of(connection, "all", "growth_1w_pct, share_pct")[1:] == [(None, None), (None, 100.0)]
        assert of(connection, "trivia", growth)[1] == (pytest.approx(100 / 6), None, None)


def late(name: str, first: int, tokens: int) -> Estimates:
    return Estimates(name, [tokens], first=first)


def test_all_is_as_old_as_the_oldest_of_its_slices() -> None:
    older = datetime(2025, 3, 1)
    connection = built(Estimates("legal", [1], as_of=older), Estimates("trivia", [1]))
    assert of(connection, "all", "as_of") == [older]
    assert of(connection, "trivia", "as_of") == [LATE]


def test_nothing_is_divided_by_zero() -> None:
    connection = built(Estimates("legal", [0] * 4 + [5] * 4), Estimates("trivia", [0] * 8))
    columns = "growth_1w_pct, contribution_1w_pp, share_pct, growth_4w_pct, delta_1w_tokens, delta_4w_tokens"
    assert of(connection, "legal", columns)[3] == (None, None, None, None, 0, None)
    assert of(connection, "legal", columns)[4] == (None, None, 100.0, None, 5, None)
    assert of(connection, "legal", columns)[7] == (0.0, 0.0, 100.0, None, 0, 20)
    assert of(connection, "all", "growth_1w_pct, growth_4w_pct")[4:] == [(None, None), *[(0.0, None)] * 3]


def test_contributions_of_large_and_uneven_slices_add_up() -> None:
    sizes = {"legal": 3, "trivia": 7 * 10**6, "science": 11 * 10**12, "finance": 4 * 10**15}
    grown = [
        Estimates(name, [size * (100 + number**2 % 17) // 7 for number in range(60)]) for name, size in sizes.items()
    ]
    connection = built(*grown)
    growth = of(connection, "all", "growth_1w_pct, growth_4w_pct")
    query = f"""
        select sum(contribution_1w_pp), sum(contribution_4w_pp) from marts.{TABLE}
        group by week_start_date order by week_start_date
    """
    assert connection.execute(query).fetchall() == [tuple(near(*pair)) for pair in growth]
    assert [pair[1] is None for pair in growth] == [True] * 7 + [False] * 53


def test_the_check_finds_contributions_that_do_not_add_up() -> None:
    for column in ("contribution_1w_pp", "contribution_4w_pp"):
        for wrong in (f"{column} + 0.1", "null"):
            connection = built(Estimates("legal", [1, 2] * 4), Estimates("trivia", [5] * 8))
            connection.execute(f"update marts.{TABLE} set {column} = {wrong} where week_start_date = date '{week(7)}'")
            found = connection.execute(MODELS["checks.weekly_contributions_add_up"].sql).fetchall()
            assert [(row[1], row[2]) for row in found] == [(week(7), column.split("_")[1])]
