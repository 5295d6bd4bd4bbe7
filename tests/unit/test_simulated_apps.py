"""The simulated apps keep to the models' totals, and their rankings to OpenRouter's contract."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pipeline.simulation import AppMarket, SimulatedOpenRouter, World, market_of
from pipeline.simulation.apps import APP_CATEGORIES, CATEGORY_OF
from pipeline.simulation.wire import ApiError

WORLD = World()
MARKET = market_of(WORLD)
DAYS = [WORLD.first_day + timedelta(offset) for offset in range((WORLD.last_day - WORLD.first_day).days + 1)]
BY_ID = {app.id: app for app in MARKET.apps}
NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
YESTERDAY = date(2026, 6, 14)
PATH = "/api/v1/datasets/app-rankings"


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatedOpenRouter]:
    """A server without limits worth the name."""
    with SimulatedOpenRouter(WORLD, NOW, requests_per_minute=10**6, requests_per_day=10**6) as running:
        yield running


def ask(server: SimulatedOpenRouter, **query: object) -> dict[str, Any]:
    """The answer of the endpoint."""
    texts = {name: str(value) for name, value in query.items()}
    answer: dict[str, Any] = json.loads(server.answer(PATH, texts, f"Bearer {server.key}").body)
    return answer


def board(server: SimulatedOpenRouter, **query: object) -> list[dict[str, Any]]:
    """Ranks 1 to 200, by two pages."""
    pages = [ask(server, limit=100, offset=offset, **query)["data"] for offset in (0, 100)]
    return [row for page in pages for row in page]


def day_board(server: SimulatedOpenRouter, day: date, **query: object) -> dict[int, int]:
    """Tokens of the first 200 apps of a day."""
    return {row["app_id"]: int(row["total_tokens"]) for row in board(server, start_date=day, end_date=day, **query)}


def test_every_python_gives_the_same_apps() -> None:
    """A digest of all use and names; it changes only with the rules of the market."""
    use = [sorted(MARKET.truth(day).items()) for day in DAYS]
    apps = [(app.id, app.slug, app.subcategory, [name for _, name in app.names]) for app in MARKET.apps]
    digest = hashlib.sha256(json.dumps([apps, use]).encode()).hexdigest()
    assert digest[:16] == "83bd27f13ac7c155"


def test_a_shorter_world_has_the_beginning_of_the_same_apps() -> None:
    """Same seed, same apps, whatever the length; another seed, another market."""
    short = AppMarket(World(WORLD.seed, days=95))
    for day in DAYS[:95]:
        assert short.truth(day) == MARKET.truth(day)
    assert short.truth(DAYS[95]) == {}
    assert {app.id: app.name(DAYS[94]) for app in short.apps} == {
        app.id: app.name(DAYS[94]) for app in MARKET.apps if app.launched <= DAYS[94]
    }
    assert AppMarket(World(WORLD.seed + 1, days=3)).truth(DAYS[2]) != MARKET.truth(DAYS[2])


def test_apps_use_a_part_of_all_tokens_and_fill_two_pages() -> None:
    """Between 55 and 70 % of each day, from 215 apps or more, each with requests."""
    for day in DAYS:
        use = MARKET.truth(day)
        assert len(use) >= 215
        assert all(used.tokens >= used.requests >= 1 for used in use.values())
        assert 0.55 <= sum(used.tokens for used in use.values()) / sum(WORLD.truth(day).values()) <= 0.70


def test_the_market_moves() -> None:
    """Coding grows, apps launch, end and hand over the lead, and enter and leave the first 200."""
    assert len(MARKET.apps) == 262
    first, last = MARKET.truth(DAYS[0]), MARKET.truth(DAYS[-1])
    assert len(last.keys() - first.keys()) > 15
    assert len(first.keys() - last.keys()) > 15

    def coding(day: date) -> float:
        use = MARKET.truth(day)
        part = sum(used.tokens for app_id, used in use.items() if BY_ID[app_id].category == "coding")
        return part / sum(used.tokens for used in use.values())

    assert coding(DAYS[-1]) > 1.4 * coding(DAYS[0])
    leaders = {max(use, key=lambda app_id: use[app_id].tokens) for use in map(MARKET.truth, DAYS[::30])}
    assert len(leaders) >= 2
    assert sum(last[i].tokens / sum(WORLD.truth(DAYS[-1]).values()) > 0.02 for i in leaders if i in last) >= 1
    shown = {row.app.id for day in DAYS for row in MARKET.ranking(day, day, NOW)[:200]}
    assert len(shown) > 230


def test_the_taxonomy_and_the_names_are_awkward() -> None:
    """A tenth without subcategory, every subcategory in use, renamed apps, a shared name, ids in no order."""
    untagged = sum(app.subcategory is None for app in MARKET.apps) / len(MARKET.apps)
    assert 0.06 < untagged < 0.14
    assert {app.subcategory for app in MARKET.apps} - {None} == CATEGORY_OF.keys()
    assert {*APP_CATEGORIES} == {"coding", "creative", "productivity", "entertainment"}
    renamed = [app for app in MARKET.apps if len({app.name(day) for day in DAYS}) > 1]
    assert len(renamed) >= 2
    names = [app.name(DAYS[-1]) for app in MARKET.apps]
    assert len(names) - len({*names}) == 1
    assert len({app.slug for app in MARKET.apps}) == len({app.id for app in MARKET.apps}) == len(MARKET.apps)
    by_name = sorted(MARKET.apps, key=lambda app: app.names[0][1])
    assert [app.id for app in by_name] != sorted(app.id for app in MARKET.apps)


def test_requests_of_one_app_grow_longer() -> None:
    """Its tokens a request rise in every quarter, to more than six times; those of the leader do not."""
    long = next(app for app in MARKET.apps if app.lengthening > 0.002)
    means = []
    for quarter in range(0, 700, 100):
        use = [MARKET.truth(day)[long.id] for day in DAYS[quarter : quarter + 100]]
        means.append(sum(used.tokens for used in use) / sum(used.requests for used in use))
    assert means == sorted(means)
    assert means[-1] > 6 * means[0]


def test_the_newest_day_is_restated() -> None:
    """Slightly too little on the first day, the truth from then on, nothing before the day is over."""
    for day in DAYS[::20]:
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        assert MARKET.shown(day, midnight + timedelta(hours=23)) == {}
        first, final = (MARKET.shown(day, midnight + timedelta(days=days)) for days in (1, 2))
        assert final == MARKET.truth(day)
        assert first.keys() == final.keys()
        assert all(0.989 * final[i].tokens < used.tokens <= final[i].tokens for i, used in first.items())
        assert sum(used.tokens for used in first.values()) < sum(used.tokens for used in final.values())


def test_two_pages_hold_ranks_1_to_200(server: SimulatedOpenRouter) -> None:
    """Absolute ranks, no app twice, descending by tokens, which are a string while requests are a number."""
    answer = ask(server, start_date=YESTERDAY, end_date=YESTERDAY)
    assert len(answer["data"]) == 50
    assert answer["meta"] == {
        "as_of": "2026-06-15T09:30:00.000Z",
        "start_date": "2026-06-14",
        "end_date": "2026-06-14",
        "version": "v1",
    }
    rows = board(server, start_date=YESTERDAY, end_date=YESTERDAY)
    assert rows[:50] == answer["data"]
    assert [row["rank"] for row in rows] == [*range(1, 201)]
    assert len({row["app_id"] for row in rows}) == 200
    tokens = [int(row["total_tokens"]) for row in rows]
    assert tokens == sorted(tokens, reverse=True)
    assert all(isinstance(row["total_tokens"], str) and isinstance(row["total_requests"], int) for row in rows)
    shown = MARKET.shown(YESTERDAY, NOW)
    assert all((int(row["total_tokens"]), row["total_requests"]) == shown[row["app_id"]] for row in rows)


def test_daily_answers_add_up_to_their_window(server: SimulatedOpenRouter) -> None:
    """The default window is the sum of its thirty days, for every app that is on all of their boards."""
    answer = ask(server, limit=100)
    assert (answer["meta"]["start_date"], answer["meta"]["end_date"]) == ("2026-05-16", "2026-06-14")
    days = [day_board(server, YESTERDAY - timedelta(offset)) for offset in range(30)]
    always = {app_id for app_id in days[0] if all(app_id in day for day in days)}
    windows = {row["app_id"]: int(row["total_tokens"]) for row in answer["data"] if row["app_id"] in always}
    assert len(windows) > 90
    assert windows == {app_id: sum(day[app_id] for day in days) for app_id in windows}


@pytest.mark.parametrize("length", [1, 7])
def test_trending_follows_from_daily_answers(server: SimulatedOpenRouter, length: int) -> None:
    """The window less the mean of the three before it, where that is more than nothing, in its order."""
    last = [YESTERDAY - timedelta(offset) for offset in range(length)]
    before = [YESTERDAY - timedelta(length + offset) for offset in range(3 * length)]
    boards = {day: day_board(server, day) for day in [*last, *before]}
    always = {app_id for app_id in boards[YESTERDAY] if all(app_id in day for day in boards.values())}
    excess = {i: 3 * sum(boards[d][i] for d in last) - sum(boards[d][i] for d in before) for i in always}
    rows = board(server, start_date=last[-1], end_date=YESTERDAY, sort="trending")
    expected = sorted((i for i in always if excess[i] > 0), key=lambda i: (-excess[i], i))
    assert [row["app_id"] for row in rows if row["app_id"] in always] == expected
    assert 10 < len(expected) < len(always)
    assert [row["rank"] for row in rows] == [*range(1, len(rows) + 1)]
    volumes = {row["app_id"]: int(row["total_tokens"]) for row in rows}
    assert all(volumes[i] == sum(boards[d][i] for d in last) for i in expected)


def test_categories_are_ranked_by_themselves(server: SimulatedOpenRouter) -> None:
    """Ranks begin at 1 in each; subcategories make up their category, and categories all apps that have one."""
    day = {"start_date": YESTERDAY, "end_date": YESTERDAY}
    live = [app for app in MARKET.apps if app.live(YESTERDAY)]
    for category in APP_CATEGORIES:
        rows = board(server, category=category, **day)
        assert [row["rank"] for row in rows] == [*range(1, len(rows) + 1)]
        assert {row["app_id"] for row in rows} == {app.id for app in live if app.category == category}
        parts = [board(server, subcategory=name, **day) for name, parent in CATEGORY_OF.items() if parent == category]
        assert {row["app_id"] for part in parts for row in part} == {row["app_id"] for row in rows}
    both = ask(server, category="coding", subcategory="cli-agent", **day)
    assert both == ask(server, subcategory="cli-agent", **day)


def test_an_app_is_shown_by_its_present_name() -> None:
    """An old day asked at a later clock has the later name under the same id."""
    app = next(app for app in MARKET.apps if len(app.names) > 2)
    query = {"start_date": "2025-01-01", "end_date": "2025-01-01", "limit": 100}
    seen = set()
    for clock in (datetime(2025, 1, 2, tzinfo=UTC), NOW):
        with SimulatedOpenRouter(WORLD, clock) as server:
            seen |= {row["app_name"] for row in ask(server, **query)["data"] if row["app_id"] == app.id}
    assert seen == {app.names[0][1], app.names[-1][1]}


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "ten"},
        {"offset": "101"},
        {"offset": "-1"},
        {"sort": "best"},
        {"category": "cooking"},
        {"subcategory": "cooking"},
        {"category": "creative", "subcategory": "cli-agent"},
        {"start_date": "2025-01-01", "end_date": "2026-01-02"},
        {"end_date": "2024-12-31"},
        {"start_date": "2026-06-15"},
        {"end_date": "2026-02-30"},
    ],
)
def test_refused(server: SimulatedOpenRouter, query: dict[str, str]) -> None:
    """What the contract does not allow is a 400."""
    with pytest.raises(ApiError) as refused:
        ask(server, **query)
    assert refused.value.args[0] == 400
