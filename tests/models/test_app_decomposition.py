"""Why the tokens of apps change: figures from elsewhere, the limits at zero, what adds up, a second implementation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.simulation import World
from pipeline.simulation.apps import AppMarket
from pipeline.warehouse import rows_of
from tests.models.answers import Answer, built
from tests.models.harness import MODELS, day, instant, rows

SELECT = ["+fct_app_decomposition", "+rpt_app_growth_explained", "+app_decomposition_adds_up"]
EFFECTS = ("requests", "mix", "intensity", "listing")
PARTS = ("within", "mix", "listing")
MANY = 10**9  # tokens, and millions of requests, so that whole tokens are as good as fractions


class Use(NamedTuple):
    """What an app uses on each day of a window."""

    tokens: int
    requests: int

    def __mul__(self, factor: Any) -> Use:
        return Use(self.tokens * factor, self.requests * factor)


Window = Mapping[int, Use]
Row = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """What the tables say of two weeks: each app, and all of them."""

    apps: dict[int, Row]
    whole: Row

    def effects(self, app: int | None = None) -> list[int]:
        row = self.whole if app is None else self.apps[app]
        return [row[f"{effect}_effect_tokens"] for effect in EFFECTS]

    def parts(self, app: int | None = None) -> list[float]:
        row = self.whole if app is None else self.apps[app]
        return [row[f"{part}_tokens_per_request"] for part in PARTS]


def listed(on: int, used: Window, as_of: int, **more: Any) -> Answer:
    """The whole list of a day."""
    ranked = sorted(used.items(), key=lambda row: (-row[1].tokens, row[0]))
    found = [
        {"date": day(on), "page": "1", "rank": rank, "app_id": app, "app_name": f"App {app}"}
        | {"total_tokens": use.tokens, "total_requests": use.requests}
        for rank, (app, use) in enumerate(ranked, start=1)
    ]
    return Answer("app-rankings", "app_rankings_daily", ["1", "2"], found, instant(as_of), day(on), **more)


def decomposed(*cases: tuple[Window, Window]) -> list[Found]:
    """Two weeks against each other, one pair after the other in one build: each app uses the same on all 7 days."""
    weeks = [week for case in cases for week in case]
    days = [listed(7 * n + offset, week, 7 * len(weeks) + 9) for n, week in enumerate(weeks) for offset in range(7)]
    connection = built(*days, select=SELECT)
    ends = [day(14 * n + 13) for n in range(len(cases))]
    apps: dict[date, dict[int, Row]] = {end: {} for end in ends}
    for row in rows_of(connection, "select * from marts.fct_app_decomposition where window_days = 7"):
        if row["date"] in apps:
            apps[row["date"]][row["app_id"]] = row
    explained = rows_of(connection, "select * from marts.rpt_app_growth_explained where window_days = 7")
    wholes = {row["date"]: row for row in explained}
    connection.close()
    return [Found(apps[end], wholes[end]) for end in ends]


# Three factors of two categories in three steps, and what the third one contributes to each: figures of the tests of
# LMDIR (M. K. Heun, github.com/MatthewHeun/LMDIR), which implements Ang (2005). An app's requests are the first two
# factors together, its tokens a request the third one.
FACTORS = [
    ((1, 10, 2), (4, 5, 3)),
    ((4, 5, 3), (5, 6, 4)),
    ((8, 2, 4), (5, 7, 5)),
    ((10, 1, 5), (6, 8, 6)),
]
THIRD = [(14.76280986, 24.90224996), (17.83010006, 32.52871184), (12.6549815, 41.35566084)]
FIRST_TWO = [
    (50.47438029 - 25.23719014, 19.31568569 + 15.78206435),
    (42.96021467 - 56.79031473, 0 + 22.47128816),
    (12.6549815 - 39.30996299, 41.35566084 + 30.28867832),
]


def test_the_figures_of_another_implementation() -> None:
    years = [
        {app: Use(first * second * third, first * second) * MANY for app, (first, second, third) in enumerate(pair)}
        for pair in FACTORS
    ]
    for found, third, others in zip(decomposed(*pairwise(years)), THIRD, FIRST_TWO, strict=True):
        for app in (0, 1):
            requests, mix, intensity, listing = found.effects(app)
            assert intensity / (7 * MANY) == pytest.approx(third[app], rel=1e-8)
            assert (requests + mix) / (7 * MANY) == pytest.approx(others[app], rel=1e-8)
            assert listing == 0
        assert found.effects()[2] / (7 * MANY) == pytest.approx(sum(third), rel=1e-8)


def test_effects_by_hand() -> None:
    """Powers of two: all requests grow by ln 4, and each logarithm is a multiple of ln 2, so that it falls out."""
    before = {1: Use(20, 10), 2: Use(80, 10), 3: Use(30, 10), 4: Use(10, 10)}
    after = {1: Use(80, 20), 2: Use(320, 80), 3: Use(60, 20), 4: Use(40, 40)}
    (found,) = decomposed((before, after))
    expected = {1: [60, -30, 30, 0], 2: [240, 120, -120, 0], 3: [60, -30, 0, 0], 4: [30, 0, 0, 0]}
    assert {app: [effect / 7 for effect in found.effects(app)] for app in found.apps} == expected
    assert [effect / 7 for effect in found.effects()] == [390, 60, -90, 0]


REST = {9: Use(1000, 100)}
NONE, IDLE, NO_REQUESTS, SHORT, USED = None, Use(0, 0), Use(70, 0), Use(0, 10), Use(70, 10)


# Of an app beside one that does not change: table 2 of Ang, Zhang and Choi (1998, Energy 23:489-495), which Wood and
# Lenzen (2006) take up. What is zero in one window takes all, the other factors nothing; what is zero in both, nothing.
LIMITS = [
    (IDLE, USED, (0, 490, 0, 0)),
    (USED, IDLE, (0, -490, 0, 0)),
    (SHORT, USED, (0, 0, 490, 0)),
    (USED, SHORT, (0, 0, -490, 0)),
    (SHORT, SHORT, (0, 0, 0, 0)),
    (SHORT, IDLE, (0, 0, 0, 0)),
    (IDLE, SHORT, (0, 0, 0, 0)),
    (IDLE, IDLE, (0, 0, 0, 0)),
    # Not listed is not zero.
    (NONE, USED, (0, 0, 0, 490)),
    (USED, NONE, (0, 0, 0, -490)),
    (NONE, SHORT, (0, 0, 0, 0)),
    # There are no limits where tokens come without requests, and no tokens a request.
    (NO_REQUESTS, IDLE, (0, -490, 0, 0)),
    (NO_REQUESTS, NO_REQUESTS, (0, 0, 0, 0)),
    (SHORT, NO_REQUESTS, (0, 490, 0, 0)),
    (NONE, NO_REQUESTS, (0, 0, 0, 490)),
]


def test_the_limits_at_zero() -> None:
    pairs = [({**REST, **({1: a} if a else {})}, {**REST, **({1: b} if b else {})}) for a, b, _ in LIMITS]
    for found, (before, after, expected) in zip(decomposed(*pairs), LIMITS, strict=True):
        assert tuple(found.effects(1)) == expected, (before, after)
        assert found.apps[1]["change_tokens"] == sum(expected)
        assert sum(found.effects(9)) == 0


def test_tokens_without_requests_leave_the_rest_to_mix() -> None:
    (found,) = decomposed(({1: NO_REQUESTS, 9: Use(100, 10)}, {1: Use(140, 10), 9: Use(200, 20)}))
    requests, mix, intensity, listing = found.effects(1)
    assert requests == pytest.approx(490 / 0.6931471805599453 * 1.0986122886681098, abs=1)  # L(140, 70) ln(30 / 10)
    assert (intensity, listing, requests + mix) == (0, 0, 490)
    assert found.apps[1]["tokens_per_request_before"] is None
    assert found.apps[1]["within_tokens_per_request"] == 0


def test_without_any_requests_all_is_mix() -> None:
    (found,) = decomposed(({1: NO_REQUESTS}, {1: Use(100, 0)}))
    assert found.effects() == [0, 210, 0, 0]
    assert found.parts() == [0, None, 0]
    assert found.whole["tokens_per_request"] is None


# By hand: means of 14 and 64/3, and shares of requests that go from 3/5 and 2/5 to 1/3 and 2/3. The mean of both means
# is 53/3, so that mix is (11 - 53/3) (-4/15) and (23 - 53/3) 4/15.
BEFORE, AFTER = {1: Use(600, 60), 2: Use(800, 40)}, {1: Use(600, 50), 2: Use(2600, 100)}
BY_HAND = {1: (Fraction(14, 15), Fraction(16, 9), 0), 2: (Fraction(16, 5), Fraction(64, 45), 0)}


def test_the_mean_tokens_of_a_request_by_hand() -> None:
    alone, joined = decomposed((BEFORE, AFTER), (BEFORE | {3: Use(10, 100)}, AFTER | {4: Use(100, 50)}))
    for app, expected in BY_HAND.items():
        assert alone.parts(app) == pytest.approx([float(part) for part in expected], rel=1e-12)
        assert joined.parts(app) == pytest.approx(alone.parts(app), rel=1e-12)
    assert alone.whole["tokens_per_request_before"] == 14
    assert alone.whole["tokens_per_request"] == pytest.approx(64 / 3)
    assert sum(alone.parts()) == pytest.approx(22 / 3, rel=1e-9)
    # Apps of one window count by their distance from the mean of the others: 1/10 against 14, 2 against 64/3.
    assert joined.parts(3) == pytest.approx([0, 0, 100 / 200 * (14 - 1 / 10)], rel=1e-12)
    assert joined.parts(4) == pytest.approx([0, 0, 50 / 200 * (2 - 64 / 3)], rel=1e-12)


def test_what_grows_in_step_has_a_requests_effect_only() -> None:
    (found,) = decomposed((BEFORE, {app: use * 3 for app, use in BEFORE.items()}))
    assert found.effects() == [2 * 7 * 1400, 0, 0, 0]
    assert found.parts() == [0, 0, 0]
    assert [row["tokens_per_request_growth_pct"] for row in found.apps.values()] == [0, 0]


def test_growth_of_the_tokens_of_a_request() -> None:
    (found,) = decomposed((BEFORE, AFTER))
    columns = ("tokens_per_request_before", "tokens_per_request", "tokens_per_request_growth_pct")
    assert [found.apps[2][column] for column in columns] == pytest.approx([20, 26, 30])


def reference(before: Window, after: Window) -> dict[int, tuple[list[Decimal], list[Decimal]]]:
    """Effects in tokens and parts of the mean of each app by the definitions, in decimals of 40 digits."""
    both = before.keys() & after.keys()
    both_requests = [sum(Decimal(week[app].requests) for app in both) for week in (before, after)]
    all_requests = [sum(Decimal(use.requests) for use in week.values()) for week in (before, after)]
    both_tokens = [sum(Decimal(week[app].tokens) for app in both) for week in (before, after)]
    means = [tokens / used for tokens, used in zip(both_tokens, both_requests, strict=True)]
    found = {}
    for app in before.keys() | after.keys():
        (v0, q0), (v1, q1) = ((Decimal(x) for x in week.get(app, Use(0, 0))) for week in (before, after))
        if app not in both:
            side = int(app in after)
            distance = (v1 - q1 * means[1]) if side else (q0 * means[0] - v0)
            part = distance / all_requests[side] if all_requests[side] else Decimal(0)
            found[app] = [Decimal(0)] * 3 + [v1 - v0], [Decimal(0), Decimal(0), part]
            continue
        requests = log_mean(v0, v1) * (both_requests[1] / both_requests[0]).ln()
        intensity = within = Decimal(0)
        shares = [q0 / both_requests[0], q1 / both_requests[1]]
        if q0 and q1:
            within = (shares[0] + shares[1]) / 2 * (v1 / q1 - v0 / q0)
            intensity = log_mean(v0, v1) * (v1 / q1 / (v0 / q0)).ln() if v0 and v1 else v1 - v0
        mix = v1 - v0 - requests - intensity
        if v0 and v1 and q0 and q1:
            assert abs(mix - log_mean(v0, v1) * (shares[1] / shares[0]).ln()) < Decimal("1e-20")
        own = v1 / both_requests[1] - v0 / both_requests[0] - (shares[1] - shares[0]) * (means[0] + means[1]) / 2
        found[app] = [requests, mix, intensity, Decimal(0)], [within, own - within, Decimal(0)]
    return found


def log_mean(a: Decimal, b: Decimal) -> Decimal:
    if not a or not b:
        return Decimal(0)
    return a if a == b else (a - b) / (a.ln() - b.ln())


def assert_is_reference(found: Found, before: Window, after: Window) -> None:
    """Compare every effect and every part of every app; the windows hold their tokens in all."""
    with localcontext() as context:
        context.prec = 40
        expected = reference(before, after)
    assert found.apps.keys() == expected.keys()
    for app, (effects, parts) in expected.items():
        size = max(week[app].tokens for week in (before, after) if app in week)
        for effect, exact in zip(found.effects(app), effects, strict=True):
            assert abs(effect - exact) <= 2 + Decimal("1e-9") * size, app
        mean = found.whole["tokens_per_request"] + found.whole["tokens_per_request_before"]
        for part, value in zip(found.parts(app), parts, strict=True):
            assert part == pytest.approx(float(value), rel=1e-9, abs=1e-9 * mean), app


REQUESTS = st.one_of(st.integers(0, 3), st.integers(1, 10**7))
RATES = st.one_of(st.integers(0, 3), st.integers(1, 10**5))
USES = st.one_of(
    st.builds(lambda requests, rate: Use(requests * rate, requests), REQUESTS, RATES),
    st.builds(Use, st.integers(0, 10**12), REQUESTS),
)


@st.composite
def weeks(draw: st.DrawFn) -> tuple[Window, Window]:
    """A few apps, of which some are in one of the weeks only, and some change by very little."""
    before, after = ({0: draw(USES.filter(lambda use: use.requests > 0))} for _ in range(2))
    for app in range(1, draw(st.integers(1, 7))):
        place = draw(st.sampled_from(["both", "both", "both", "near", "before", "after"]))
        if place != "after":
            before[app] = draw(USES)
        if place in ("both", "after"):
            after[app] = draw(USES)
        if place == "near":
            nearby = before[app]
            after[app] = Use(nearby.tokens + draw(st.integers(0, 2)), nearby.requests + draw(st.integers(0, 2)))
    return before, after


def in_both(before: Window, after: Window) -> tuple[Window, Window]:
    """Without the apps of one week only."""
    return tuple({app: week[app] for app in before.keys() & after.keys()} for week in (before, after))


def swapped(week: Window) -> Window:
    """Requests and tokens a request change places."""
    return {app: Use(use.tokens, use.tokens // use.requests if use.requests else 0) for app, use in week.items()}


@settings(
    max_examples=6,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(weeks(), min_size=12, max_size=12))
def test_effects_add_up_turn_round_with_time_and_are_those_of_the_reference(cases: list[tuple[Window, Window]]) -> None:
    turned = [(after, before) for before, after in cases]
    found = decomposed(*cases, *turned, *(in_both(*case) for case in cases))
    for forth, back, alone, (before, after) in zip(found[:12], found[12:24], found[24:], cases, strict=True):
        assert_is_reference(forth, *({app: use * 7 for app, use in week.items()} for week in (before, after)))
        change = forth.whole["tokens_per_request"] - forth.whole["tokens_per_request_before"]
        mean = forth.whole["tokens_per_request"] + forth.whole["tokens_per_request_before"]
        assert sum(forth.effects()) == forth.whole["change_tokens"]
        assert sum(forth.parts()) == pytest.approx(change, rel=1e-9, abs=1e-9 * mean)
        assert [-effect for effect in back.effects()] == pytest.approx(forth.effects(), rel=1e-12, abs=len(forth.apps))
        assert [-part for part in back.parts()] == pytest.approx(forth.parts(), rel=1e-9, abs=1e-9 * mean)
        for app, row in forth.apps.items():
            assert sum(forth.effects(app)) == row["change_tokens"]
            assert (row["is_only_before"], row["is_only_after"]) == (app not in after, app not in before)
        # What is in one week only moves nothing else.
        for app in alone.apps:
            assert (alone.effects(app), alone.parts(app)) == (forth.effects(app), forth.parts(app))


@settings(max_examples=2, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
@given(st.lists(st.tuples(*[st.integers(1, 10**4)] * 8), min_size=12, max_size=12))
def test_factors_that_change_places_change_their_effects(factors: list[tuple[int, ...]]) -> None:
    """Of each app requests and mix together, and intensity: neither comes first."""
    pairs = []
    for a, b, c, d, e, f, g, h in factors:
        pairs.append(({1: Use(a * b, a), 2: Use(c * d, c)}, {1: Use(e * f, e), 2: Use(g * h, g)}))
    found = decomposed(*pairs, *((swapped(before), swapped(after)) for before, after in pairs))
    for one, other in zip(found[:12], found[12:], strict=True):
        for app in (1, 2):
            requests, mix, intensity, _ = one.effects(app)
            assert sum(other.effects(app)[:2]) == pytest.approx(intensity, abs=2)
            assert other.effects(app)[2] == pytest.approx(requests + mix, abs=2)


COLUMNS = "app_id, date, window_days, is_only_before, is_only_after, is_censored, is_provisional"
LAST = 59


@pytest.fixture(scope="module")
def listed_days(small_world: World) -> dict[int, Window]:
    """What a simulated market lists of apps: on each day the 200 largest."""
    market, found = AppMarket(small_world), {}
    for offset in range(LAST + 1):
        on = small_world.first_day + timedelta(offset)
        ranked = market.ranking(on, on, datetime.combine(on + timedelta(2), time(), UTC))[:200]
        found[offset] = {row.app.id: Use(*row.use) for row in ranked}
    return found


def test_a_simulated_market(listed_days: dict[int, Window]) -> None:
    """Cell by cell against the definitions, on the first and the last windows, and with a day that is missing."""
    missing = 3
    days = [listed(offset, used, LAST + 9) for offset, used in listed_days.items() if offset != missing]
    connection = built(*days, select=SELECT)
    every = rows_of(connection, "select * from marts.fct_app_decomposition")
    wholes = {
        (row["date"], row["window_days"]): row
        for row in rows_of(connection, "select * from marts.rpt_app_growth_explained")
    }
    assert wholes.keys() == {(day(end), days) for days in (7, 28) for end in range(missing + 2 * days, LAST + 1)}, (
        "windows that hold a day that is missing have no rows"
    )
    kinds = set()
    for end, window_days in ((missing + 14, 7), (30, 7), (LAST, 7), (LAST, 28)):
        before, after = (
            added(listed_days[on] for on in range(last - window_days + 1, last + 1))
            for last in (end - window_days, end)
        )
        key = day(end), window_days
        found = Found({row["app_id"]: row for row in every if (row["date"], row["window_days"]) == key}, wholes[key])
        assert_is_reference(found, before, after)
        both_windows = range(end - 2 * window_days + 1, end + 1)
        for app, row in found.apps.items():
            assert row["tokens_after"] == after.get(app, Use(0, 0)).tokens
            assert row["requests_before"] == before.get(app, Use(0, 0)).requests
            assert row["is_censored"] == any(app not in listed_days[on] for on in both_windows)
            kinds.add((row["is_only_before"], row["is_only_after"], row["is_censored"]))
    assert kinds == {(True, False, True), (False, True, True), (False, False, True), (False, False, False)}


def added(days: Iterable[Window]) -> Window:
    found: dict[int, Use] = {}
    for used in days:
        for app, use in used.items():
            so_far = found.get(app, Use(0, 0))
            found[app] = Use(so_far.tokens + use.tokens, so_far.requests + use.requests)
    return found


def test_flags_of_windows() -> None:
    """App 2 misses a day; the newest day may be restated; app 3 leaves, and is gone after two windows."""
    always, other, leaves = {1: Use(100, 10)}, {2: Use(50, 10)}, {3: Use(20, 1)}
    days = [always | ({} if on == 5 else other) | (leaves if on < 3 else {}) for on in range(21)]
    given = [listed(on, used, 30 if on < 20 else 21) for on, used in enumerate(days)]
    connection = built(*given, select=SELECT)
    found = rows(connection, "fct_app_decomposition", COLUMNS, f"date in ('{day(13)}', '{day(17)}', '{day(20)}')")
    assert found == [
        (1, day(13), 7, False, False, False, False),
        (1, day(17), 7, False, False, False, False),
        (1, day(20), 7, False, False, False, True),
        (2, day(13), 7, False, False, True, False),
        (2, day(17), 7, False, False, True, False),
        (2, day(20), 7, False, False, False, True),
        (3, day(13), 7, True, False, True, False),
    ]
    columns = "date, apps, apps_only_before, apps_only_after, censored_change_tokens, is_provisional"
    assert rows(connection, "rpt_app_growth_explained", columns)[0] == (day(13), 3, 1, 0, 50, False)
    # A list without its second page is not whole.
    given[10] = Answer("app-rankings", "app_rankings_daily", ["1"], given[10].rows, instant(30), day(10))
    assert rows(built(*given, select=SELECT), "fct_app_decomposition", "date") == []


def test_a_sum_that_is_not_that_of_the_lists_is_found() -> None:
    connection = built(*(listed(on, REST, 30) for on in range(14)), select=SELECT)
    connection.execute("update marts.fct_app_decomposition set tokens_after = tokens_after + 1")
    assert len(connection.execute(MODELS["checks.app_decomposition_adds_up"].sql).fetchall()) == 1
