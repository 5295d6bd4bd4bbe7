"""The simulated slices add up to the rankings that they are slices of, and keep OpenRouter's contract."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pipeline.simulation import OTHER, TOP, SimulatedOpenRouter, Slices, World
from pipeline.simulation.slices import CATEGORIES, CONTEXT_BUCKETS, LANGUAGE_TYPES, MODALITIES, split_at

WORLD = World()
SLICES = Slices(WORLD)
DAYS = [WORLD.first_day + timedelta(offset) for offset in range((WORLD.last_day - WORLD.first_day).days + 1)]
NOW = datetime(2026, 6, 17, 9, 30, tzinfo=UTC)  # a Wednesday
YESTERDAY = date(2026, 6, 16)
LATER = datetime(2027, 1, 1, tzinfo=UTC)
PATH = "/api/v1/datasets/rankings-daily"


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatedOpenRouter]:
    """A server without limits worth the name."""
    with SimulatedOpenRouter(WORLD, NOW, requests_per_minute=10**6, requests_per_day=10**6) as running:
        yield running


def ask(server: SimulatedOpenRouter, **query: object) -> list[dict[str, Any]]:
    """The rows of an answer."""
    texts = {name: str(value) for name, value in query.items()}
    answer = json.loads(server.answer(PATH, texts, f"Bearer {server.key}").body)
    rows: list[dict[str, Any]] = answer["data"]
    return rows


def totals(rows: list[dict[str, Any]]) -> Counter[str]:
    """Tokens by date, `other` included."""
    total: Counter[str] = Counter()
    for row in rows:
        total[row["date"]] += int(row["total_tokens"])
    return total


def test_context_buckets_add_up_to_the_rankings(server: SimulatedOpenRouter) -> None:
    """Exactly, on every day of a year and on the newest one, whose figures are still to be restated."""
    window = {"start_date": "2025-06-17", "end_date": "2026-06-16"}
    whole = totals(ask(server, **window))
    parts: Counter[str] = Counter()
    for bucket in CONTEXT_BUCKETS:
        rows = ask(server, context_bucket=bucket, **window)
        assert max(Counter(row["date"] for row in rows).values()) <= TOP + 1
        parts += totals(rows)
    assert len(whole) == 365
    assert parts == whole


def test_every_model_is_split_without_remainder() -> None:
    """The buckets of one model add up to its tokens, none beyond what fits its context."""
    for middle in range(50, 420, 7):
        for context in (32_768, 131_072, 1_000_000):
            split = split_at(middle, context)
            for tokens in (1, 7, 999, 123_456_789_012):
                parts = [split.part(tokens, bucket) for bucket in range(5)]
                assert sum(parts) == tokens
                assert min(parts) >= 0
                assert all(parts[bucket] == 0 for bucket in range(5) if 10 ** (bucket + 2) > context)


def test_slices_are_cut_within_themselves() -> None:
    """The top 50 of a bucket are its own, not those of the day; the order is that of the rankings."""
    whole = [slug for slug, _ in WORLD.ranked(DAYS[500], LATER)[:TOP]]
    boards = [SLICES.by_context(bucket, DAYS[500], LATER) for bucket in CONTEXT_BUCKETS]
    for rows in boards:
        models = [row for row in rows if row[0] != OTHER]
        assert models == sorted(models, key=lambda row: (-row[1], row[0]))
        assert all(tokens > 0 for _, tokens in rows)
        assert OTHER not in [slug for slug, _ in rows[:-1]]
    assert any({slug for slug, _ in rows[:TOP]} - {*whole, OTHER} for rows in boards)


def test_contexts_grow_longer() -> None:
    """From the first to the last quarter of the days, long requests gain what short ones lose."""

    def shares(days: list[date]) -> list[float]:
        sums = [sum(n for day in days for _, n in SLICES.by_context(b, day, LATER)) for b in CONTEXT_BUCKETS]
        return [part / sum(sums) for part in sums]

    early, late = shares(DAYS[:175:7]), shares(DAYS[-175::7])
    assert late[0] < 0.5 * early[0]
    assert late[1] < 0.5 * early[1]
    assert late[3] > 2 * early[3]
    assert late[4] > early[4] > 0


def test_modalities_are_parts_of_the_models_that_have_them() -> None:
    """Text is all of a text model, other modalities a part, images only of models that take them."""
    for day in DAYS[::50]:
        truth = WORLD.truth(day)
        models = {model.slug: model for model in WORLD.models}
        texts = sum(tokens for slug, tokens in truth.items() if models[slug].output == "text")
        sums = {m: sum(n for _, n in SLICES.by_modality(m, day, LATER)) for m in MODALITIES}
        assert sums["text"] == texts
        assert 0 < sums["image_output"] < texts
        assert 0 < sums["audio"] < texts
        for slug, tokens in SLICES.by_modality("image", day, LATER):
            assert slug == OTHER or (models[slug].images and 0 < tokens < truth[slug])
    tools = [
        sum(n for _, n in SLICES.by_modality("tool_calling", day, LATER)) / sum(WORLD.truth(day).values())
        for day in (DAYS[0], DAYS[-1])
    ]
    assert tools[1] > tools[0]


def test_estimates_are_of_whole_weeks(server: SimulatedOpenRouter) -> None:
    """From the week of the first day to that of the last, with all complete days, also those past the end."""
    rows = ask(server, category="programming", start_date="2026-05-28", end_date="2026-06-12")
    assert sorted({row["date"] for row in rows}) == ["2026-05-25", "2026-06-01", "2026-06-08"]
    assert all(int(row["total_tokens"]) % 400 == 0 for row in rows)
    assert rows == ask(server, category="programming", start_date="2026-05-25", end_date="2026-06-14", period="week")
    assert rows == sorted(
        rows, key=lambda row: (row["date"], row["model_permaslug"] == OTHER, -int(row["total_tokens"]))
    )
    running = ask(server, category="programming", start_date="2026-06-15")
    assert {row["date"] for row in running} == {"2026-06-15"}
    assert totals(running)["2026-06-15"] < 0.5 * totals(rows)["2026-06-08"]


def test_estimates_stay_below_the_week(server: SimulatedOpenRouter) -> None:
    """Each kind is less than the week, and they do not add up to it."""
    window = {"start_date": "2026-06-01", "end_date": "2026-06-14"}
    exact = sum(totals(ask(server, **window)).values())
    for name, kinds in (("category", CATEGORIES), ("language_type", LANGUAGE_TYPES)):
        sums = [sum(totals(ask(server, **{name: kind}, **window)).values()) for kind in kinds]
        assert all(0 < part < exact for part in sums)
        assert sum(sums) != exact
    assert ask(server, category="programming", **window) != ask(server, language_type="programming", **window)


def test_estimates_of_programming_grow() -> None:
    """Its part of the week's tokens rises over the two years; that of roleplay falls."""

    def part(category: str, monday: date) -> float:
        week = sum(sum(WORLD.truth(monday + timedelta(offset)).values()) for offset in range(7))
        return sum(tokens for _, tokens in SLICES.by_category(category, monday, LATER)) / week

    mondays = [day for day in DAYS if day.weekday() == 0]
    first, last = mondays[:10], mondays[-11:-1]
    assert sum(part("programming", m) for m in last) > 1.1 * sum(part("programming", m) for m in first)
    assert sum(part("roleplay", m) for m in last) < 0.9 * sum(part("roleplay", m) for m in first)


def test_slices_are_a_function_of_the_seed() -> None:
    """A shorter world has the same slices, another seed others."""
    short, other = Slices(World(WORLD.seed, days=40)), Slices(World(WORLD.seed + 1, days=40))
    day = DAYS[30]
    for bucket in CONTEXT_BUCKETS[:4]:
        assert short.by_context(bucket, day, LATER) == SLICES.by_context(bucket, day, LATER)
        assert other.by_context(bucket, day, LATER) != SLICES.by_context(bucket, day, LATER)
    monday = DAYS[26]
    assert short.by_language("natural", monday, LATER) == SLICES.by_language("natural", monday, LATER)


def test_the_newest_day_of_a_slice_is_restated(server: SimulatedOpenRouter) -> None:
    """What a slice shows of yesterday is a part of what the rankings show of it."""
    first = SLICES.by_context("100K", YESTERDAY, NOW)
    final = SLICES.by_context("100K", YESTERDAY, NOW + timedelta(1))
    assert first != final
    assert dict(first) == {
        row["model_permaslug"]: int(row["total_tokens"])
        for row in ask(server, context_bucket="100K", start_date=YESTERDAY)
    }
