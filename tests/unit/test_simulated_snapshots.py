"""What the simulated API publishes as it stands now: session costs, tasks, benchmarks, providers, endpoints."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipeline.simulation import SimulatedOpenRouter, World, market_of
from pipeline.simulation.providers import PROVIDERS
from pipeline.simulation.snapshots import TURN_RANGES, cost_window_end, session_costs
from pipeline.simulation.wire import ApiError

WORLD = World()
NOW = datetime(2026, 6, 17, 9, 30, tzinfo=UTC)  # a Wednesday
COSTS = "datasets/session-cost"
TASKS = "classifications/task"
BENCHMARKS = "benchmarks"


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatedOpenRouter]:
    """A server whose clock the tests leave at `NOW`."""
    with SimulatedOpenRouter(WORLD, NOW, requests_per_minute=10**6, requests_per_day=10**6) as running:
        yield running


def ask(server: SimulatedOpenRouter, path: str, **query: object) -> dict[str, Any]:
    """The answer of an endpoint to a caller with the key."""
    texts = {name: str(value) for name, value in query.items()}
    answer: dict[str, Any] = json.loads(server.answer(f"/api/v1/{path}", texts, f"Bearer {server.key}").body)
    return answer


def ask_without_key(server: SimulatedOpenRouter, path: str) -> Any:
    """The `data` of an endpoint that needs no key."""
    return json.loads(server.answer(f"/api/v1/{path}", {}, "").body)["data"]


def status_of(server: SimulatedOpenRouter, path: str, **query: object) -> int:
    """The status of a refused request."""
    with pytest.raises(ApiError) as refused:
        ask(server, path, **query)
    status: int = refused.value.args[0]
    return status


def test_session_costs_fill_two_pages(server: SimulatedOpenRouter) -> None:
    """One row an app, model and number of turns; longer sessions cost more; models by permaslug."""
    pages = [ask(server, COSTS, limit=500, offset=offset)["data"] for offset in (0, 500, 1000)]
    assert [len(page) for page in pages][::2] == [500, 0]
    rows = pages[0] + pages[1]
    assert len(rows) >= 700
    assert len({(row["app_slug"], row["model_permaslug"], row["turn_range"]) for row in rows}) == len(rows)
    assert len(ask(server, COSTS)["data"]) == 100
    slugs = {model.slug for model in WORLD.listed(NOW)}
    assert {row["model_permaslug"] for row in rows} <= slugs
    for first in range(0, len(rows), len(TURN_RANGES)):
        cell = rows[first : first + len(TURN_RANGES)]
        assert [row["turn_range"] for row in cell] == [*TURN_RANGES]
        costs = [row["median_session_cost_usd"] for row in cell]
        assert costs == sorted(costs)
        assert 0 <= costs[0] <= costs[-1] < 1000


def test_session_costs_are_refreshed_on_sunday() -> None:
    """The same rows for a week, about the thirty days until Saturday; every Sunday has two pages."""
    with SimulatedOpenRouter(WORLD, NOW) as server:
        seen = []
        for day in range(14, 29):
            server.set_clock(datetime(2026, 6, day, tzinfo=UTC))
            answer = ask(server, COSTS)
            seen.append((answer["meta"]["window_end_date"], json.dumps(answer["data"])))
        assert answer["meta"] == {
            "as_of": "2026-06-28T00:00:00.000Z",
            "version": "v1",
            "window_days": 30,
            "window_end_date": "2026-06-27",
        }
    assert Counter(end for end, _ in seen) == {"2026-06-13": 7, "2026-06-20": 7, "2026-06-27": 1}
    assert len({*seen}) == 3
    market = market_of(WORLD)
    for week in range(2, 100, 6):
        end = cost_window_end(datetime(2025, 1, 1, tzinfo=UTC) + timedelta(weeks=week))
        assert len(session_costs(WORLD, market, end)) >= 700


def test_session_costs_by_app_model_and_turns(server: SimulatedOpenRouter) -> None:
    """Each filter keeps its rows only; what is outside the contract is a 400."""
    rows = ask(server, COSTS, limit=500)["data"]
    row = rows[137]
    query = {
        "app_slug": row["app_slug"],
        "model": row["model_permaslug"],
        "turn_range": row["turn_range"],
    }
    assert ask(server, COSTS, **query)["data"] == [row]
    assert ask(server, COSTS, app_slug="nobody")["data"] == []
    for bad in ({"limit": 501}, {"limit": 0}, {"offset": 5001}, {"turn_range": "3-turns"}):
        assert status_of(server, COSTS, **bad) == 400


def test_task_shares_are_consistent(server: SimulatedOpenRouter) -> None:
    """Shares of tasks add up to those of their category and to one; models of a task to less than one."""
    data = ask(server, TASKS, window="7d")["data"]
    assert data == ask(server, TASKS)["data"]
    assert (data["window_days"], data["as_of"]) == (7, "2026-06-16")
    tasks, macros = data["classifications"], {macro["key"]: macro for macro in data["macro_categories"]}
    assert [task["usage_share"] for task in tasks] == sorted((t["usage_share"] for t in tasks), reverse=True)
    for kind in ("usage_share", "token_share"):
        assert sum(task[kind] for task in tasks) == pytest.approx(1)
        for key, macro in macros.items():
            own = [task for task in tasks if task["macro_category"] == key]
            assert sum(task[kind] for task in own) == pytest.approx(macro[kind])
            assert sum(task[f"category_{kind}"] for task in own) == pytest.approx(1)
    for task in tasks:
        assert len(task["models"]) == 5
        assert {model["id"] for model in task["models"]} <= WORLD.truth(NOW.date() - timedelta(1)).keys()
        for kind in ("tag_usage_share", "tag_token_share"):
            assert 0 < sum(model[kind] for model in task["models"]) < 1
    answer = server.answer(f"/api/v1/{TASKS}", {}, f"Bearer {server.key}")
    assert answer.headers["Cache-Control"] == "private, max-age=60, stale-while-revalidate=300"
    assert status_of(server, TASKS, window="30d") == 400


def kind_of(row: dict[str, Any]) -> str:
    """Which of the four shapes a row of benchmarks has."""
    return f"{row['source']}/{'search' if 'search_engine' in row else 'plain'}"


def test_benchmarks_have_all_kinds_of_rows(server: SimulatedOpenRouter) -> None:
    """Four shapes with unlike fields, one row a model and lane, run configurations only where asked for."""
    answer = ask(server, BENCHMARKS)
    rows = answer["data"]
    fields = {kind_of(row): row.keys() - {"source", "model_permaslug", "display_name"} for row in rows}
    assert fields == {
        "artificial-analysis/plain": {"intelligence_index", "coding_index", "agentic_index", "pricing"},
        "design-arena/plain": {
            *("arena", "category", "elo", "win_rate", "avg_generation_time_ms", "tournament_stats", "pricing")
        },
        "openrouter/plain": {
            *("benchmark_type", "accuracy", "accuracy_stddev", "avg_cost_per_task", "total_tasks", "last_run_timestamp")
        },
        "openrouter/search": {
            *("benchmark_type", "primary_metric", "primary_score", "avg_cost_per_task", "total_tasks"),
            *("avg_latency_per_task_ms", "search_engine", "search_surface", "last_run_timestamp"),
        },
    }
    assert all(row.keys() - {"source", "model_permaslug", "display_name"} == fields[kind_of(row)] for row in rows)
    keys = ("source", "model_permaslug", "benchmark_type", "arena", "category")
    assert len({tuple(row.get(key) for key in keys) for row in rows}) == len(rows)
    assert answer["meta"]["model_count"] == len({row["model_permaslug"] for row in rows}) > 50
    assert any(row.get("agentic_index", 0) is None for row in rows)
    assert all(row.get("last_run_timestamp", "") < answer["meta"]["as_of"] for row in rows)
    configured = ask(server, BENCHMARKS, include_run_config="true")["data"]
    assert {kind_of(row) for row in configured if "run_config" in row} == {"openrouter/search"}
    assert [{k: v for k, v in row.items() if k != "run_config"} for row in configured] == rows


def test_benchmarks_can_be_filtered(server: SimulatedOpenRouter) -> None:
    """Every filter keeps its rows only; what is outside the contract is a 400."""
    rows = ask(server, BENCHMARKS)["data"]
    filters = {
        "source": "design-arena",
        "benchmark_type": "gpqa_diamond",
        "search_surface": "plugin",
        "search_engine": "native",
        "arena": "models",
        "category": "website",
    }
    for name, value in filters.items():
        assert ask(server, BENCHMARKS, **{name: value})["data"] == [row for row in rows if row.get(name) == value] != []
    for task_type in ("coding", "intelligence", "agentic", "search"):
        kept = ask(server, BENCHMARKS, task_type=task_type)
        assert kept["meta"]["task_type"] == task_type
        assert 0 < len(kept["data"]) < len(rows)
    assert {kind_of(row) for row in kept["data"]} == {"openrouter/search"}
    assert ask(server, BENCHMARKS, max_results=7)["data"] == rows[:7]
    for bad in ({"source": "hearsay"}, {"task_type": "cooking"}, {"max_results": 0}, {"include_run_config": "maybe"}):
        assert status_of(server, BENCHMARKS, **bad) == 400


def test_providers_are_listed_without_a_key(server: SimulatedOpenRouter) -> None:
    """One row a provider, some of which state nothing of where they are."""
    rows = ask_without_key(server, "providers")
    assert len({row["slug"] for row in rows}) == len({row["name"] for row in rows}) == len(rows) == len(PROVIDERS)
    assert any(row["headquarters"] is None for row in rows)
    assert any(row["datacenters"] == [] for row in rows)
    assert any(row["datacenters"] is None for row in rows)
    assert all(".example/" in url for row in rows for name, url in row.items() if name.endswith("_url") and url)


def test_every_listed_model_has_endpoints(server: SimulatedOpenRouter) -> None:
    """One to five by id, the first at the catalogue's price and no other cheaper; a router has none."""
    slugs, counts = {provider.slug for provider in PROVIDERS}, []
    for row in WORLD.catalogue(NOW):
        data = ask_without_key(server, f"models/{row['id']}/endpoints")
        assert {name: data[name] for name in data if name != "endpoints"} == {
            name: row[name] for name in ("id", "name", "created", "description", "architecture")
        }
        endpoints = data["endpoints"]
        if row["pricing"]["prompt"] == "-1":
            assert endpoints == []
            continue
        counts.append(len(endpoints))
        assert endpoints[0]["pricing"] == row["pricing"]
        prices = [Decimal(endpoint["pricing"]["prompt"]) for endpoint in endpoints]
        assert prices[0] == min(prices)
        assert max(prices) <= prices[0] * Decimal("1.6")
        assert {endpoint["tag"] for endpoint in endpoints} <= slugs
        assert len({endpoint["tag"] for endpoint in endpoints}) == len(endpoints)
        assert all(endpoint["latency_last_30m"] is endpoint["throughput_last_30m"] is None for endpoint in endpoints)
        if "alias_target" not in row:
            assert {endpoint["model_id"] for endpoint in endpoints} == {row["canonical_slug"]}
    assert {*counts} == {1, 2, 3, 4, 5}


def test_endpoints_by_canonical_slug_and_variant(server: SimulatedOpenRouter) -> None:
    """The slug of the rankings leads to the same model as the id, with `:free` and `:batch` as well."""
    for row in WORLD.catalogue(NOW):
        variant = row["id"].partition(":")[2]
        by_slug = f"{row['canonical_slug']}:{variant}" if variant else row["canonical_slug"]
        by_id = ask(server, f"models/{row['id']}/endpoints")
        assert ask(server, f"models/{by_slug}/endpoints") == by_id
        assert ask(server, f"models/{by_slug.replace(':', '%3A')}/endpoints") == by_id


def test_speed_is_shown_to_callers_with_a_key_and_changes_by_the_hour(server: SimulatedOpenRouter) -> None:
    """Percentiles in their order: slower answers, fewer tokens a second; a wrong key is no key."""
    path = f"models/{WORLD.listed(NOW)[-1].slug}/endpoints"
    endpoint = ask(server, path)["data"]["endpoints"][0]
    names = ["p50", "p75", "p90", "p99"]
    latency, throughput = ([endpoint[f"{kind}_last_30m"][n] for n in names] for kind in ("latency", "throughput"))
    assert latency == sorted(latency)
    assert throughput == sorted(throughput, reverse=True)
    wrong = json.loads(server.answer(f"/api/v1/{path}", {}, "Bearer sk-wrong").body)["data"]["endpoints"][0]
    assert wrong["latency_last_30m"] is None
    with SimulatedOpenRouter(WORLD, NOW + timedelta(hours=1)) as later:
        assert ask(later, path)["data"]["endpoints"][0]["latency_last_30m"] != endpoint["latency_last_30m"]


def test_unknown_and_delisted_models_have_no_endpoints(server: SimulatedOpenRouter) -> None:
    """404 before the launch, after the end, for what the catalogue never lists, and for an unknown variant."""
    gone = next(model for model in WORLD.models if model.ends < NOW.date())
    coming = next(model for model in WORLD.models if model.launched > NOW)
    unlisted = next(model for model in WORLD.models if not model.listed)
    present = WORLD.listed(NOW)[-1]
    for name in ("nobody/nothing", gone.id, gone.slug, coming.slug, unlisted.slug, f"{present.slug}:thinking"):
        assert status_of(server, f"models/{name}/endpoints") == 404


def test_a_clock_before_the_first_complete_day_is_served() -> None:
    """There is little to say then, and still an answer."""
    with SimulatedOpenRouter(WORLD, datetime(2025, 1, 1, 12, tzinfo=UTC)) as server:
        assert ask(server, COSTS)["data"] == []
        assert all(task["models"] == [] for task in ask(server, TASKS)["data"]["classifications"])
        assert ask(server, BENCHMARKS)["data"]
