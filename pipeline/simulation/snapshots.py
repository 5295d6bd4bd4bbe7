"""What is published as it stands now: shares of tasks, costs of sessions, benchmark scores.

All of it is invented and follows from the seed, the models of the `World` and its apps. Numbers are whole until
the last step, so that every supported Python writes the same decimals.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, NamedTuple

from .apps import AppMarket, Ranked
from .wire import iso
from .world import Model, World, midnight, usd

Row = dict[str, Any]

MILLION = 10**6


class Task(NamedTuple):
    """A kind of task, and its typical share of requests and of tokens in thousandths."""

    tag: str
    display_name: str
    requests: int
    tokens: int

    @property
    def macro(self) -> str:
        """The group of tasks that it is in."""
        return self.tag.partition(":")[0]


TASKS = (
    Task("code:general_impl", "Writing code", 190, 220),
    Task("code:debugging", "Finding faults", 90, 120),
    Task("code:refactoring", "Rebuilding code", 60, 90),
    Task("code:tests", "Writing tests", 40, 45),
    Task("code:review", "Reading code", 35, 40),
    Task("data:extraction", "Extraction", 75, 50),
    Task("data:analysis", "Analysis", 50, 55),
    Task("data:labelling", "Labelling", 45, 15),
    Task("data:tables", "Tables and queries", 25, 20),
    Task("agent:tools", "Use of tools", 110, 140),
    Task("agent:research", "Research", 60, 70),
    Task("agent:planning", "Planning", 40, 35),
    Task("general:chat", "Conversation", 80, 45),
    Task("general:writing", "Writing", 45, 25),
    Task("general:summaries", "Summaries", 35, 20),
    Task("general:translation", "Translation", 20, 10),
)
MACRO_LABELS = {"code": "Code", "data": "Data", "agent": "Agent", "general": "General"}
TASK_MODELS = 5  # models named a task
TURN_RANGES = {"1-turn": 1, "2-9-turns": 4, "10-49-turns": 21, "50-plus-turns": 88}  # and their typical turns
COST_APPS, COST_MODELS, COST_DAYS = 20, 14, 30
# Cost of a token in thousandths of its prompt price: 97 % prompt, two fifths of it at full price, the rest cached
# at a tenth; 3 % completion at four times the price.
COST_FACTOR = 566
SOURCES = ("artificial-analysis", "design-arena", "openrouter")
TASK_TYPES = ("coding", "intelligence", "agentic", "search")
BENCHMARKS = {
    "gpqa_diamond": "intelligence",
    "tau_bench_verified_airline": "agentic",
    "search_browsecomp": "search",
    "search_hle": "search",
    "search_dsqa": "search",
    "search_widesearch": "search",
}
ENGINES = ("lanternlight", "native", "tidepool")
SURFACES = ("server-tool", "plugin")
ARENAS = {"models": ("dataviz", "gamedev", "website"), "builders": ("website",), "agents": ("slides",)}
BENCHMARK_FILTERS: dict[str, Collection[str]] = {
    "source": SOURCES,
    "benchmark_type": BENCHMARKS,
    "search_surface": SURFACES,
    "arena": ARENAS,
}
CODING_CATEGORIES = frozenset({"gamedev", "website"})
PLACES = ("first_place", "second_place", "third_place", "fourth_place")


def task_shares(world: World, now: datetime) -> Row:
    """The `data` of the task classifications: shares of the seven complete days before the clock."""
    day = now.date() - timedelta(1)
    usage = _millionths(f"{world.seed}/task/requests", day, {task.tag: task.requests for task in TASKS})
    tokens = _millionths(f"{world.seed}/task/tokens", day, {task.tag: task.tokens for task in TASKS})
    week = _week(world, day, now)

    def of_macro(shares: dict[str, int], key: str) -> int:
        return sum(share for tag, share in shares.items() if tag.startswith(f"{key}:"))

    tasks = [
        {
            "tag": task.tag,
            "display_name": task.display_name,
            "macro_category": task.macro,
            "usage_share": usage[task.tag] / MILLION,
            "token_share": tokens[task.tag] / MILLION,
            "category_usage_share": usage[task.tag] / of_macro(usage, task.macro),
            "category_token_share": tokens[task.tag] / of_macro(tokens, task.macro),
            "models": _task_models(world.seed, task.tag, week),
        }
        for task in TASKS
    ]
    macros = [
        {
            "key": key,
            "label": label,
            "usage_share": of_macro(usage, key) / MILLION,
            "token_share": of_macro(tokens, key) / MILLION,
        }
        for key, label in MACRO_LABELS.items()
    ]
    return {
        "window_days": 7,
        "as_of": str(day),
        "classifications": sorted(tasks, key=lambda task: (-task["usage_share"], task["tag"])),
        "macro_categories": macros,
    }


def _week(world: World, last: date, known_at: datetime) -> dict[str, int]:
    """Tokens of every model in the seven days that end on that day."""
    week: dict[str, int] = {}
    for offset in range(7):
        for slug, count in world.shown(last - timedelta(offset), known_at).items():
            week[slug] = week.get(slug, 0) + count
    return week


def _millionths(stream: str, day: date, typical: dict[str, int]) -> dict[str, int]:
    """Millionths of each tag, which add up to a million; they move by less than a hundredth of themselves a day."""
    weights = {}
    for tag, thousandths in typical.items():
        phase = Random(f"{stream}/{tag}").randrange(120)
        wave = abs((day.toordinal() + phase) % 120 - 60) - 30
        weights[tag] = thousandths * (1000 + 5 * wave)
    total = sum(weights.values())
    shares = {tag: MILLION * weight // total for tag, weight in weights.items()}
    shares[max(shares, key=shares.__getitem__)] += MILLION - sum(shares.values())
    return shares


def _task_models(seed: int, tag: str, week: dict[str, int]) -> list[Row]:
    """The largest models of a task and their shares of its requests and its tokens."""
    used: dict[str, tuple[int, int]] = {}
    for slug, count in week.items():
        rng = Random(f"{seed}/task/{tag}/{slug}")
        tokens = count * rng.randint(20, 200)
        used[slug] = (tokens * rng.randint(60, 140) // 100, tokens)
    totals = [sum(values) for values in zip(*used.values(), strict=True)]
    largest = sorted(used, key=lambda slug: (-used[slug][0], slug))[:TASK_MODELS]
    return [
        {
            "id": slug,
            "tag_usage_share": used[slug][0] * MILLION // totals[0] / MILLION,
            "tag_token_share": used[slug][1] * MILLION // totals[1] / MILLION,
        }
        for slug in largest
    ]


def cost_window_end(now: datetime) -> date:
    """The last day of the published session costs: they are refreshed on Sunday, for the 30 days before it."""
    return now.date() - timedelta(now.isoweekday() % 7 + 1)


def session_costs(world: World, market: AppMarket, end: date) -> list[Row]:
    """Median USD of a session by app, model and number of turns, over the 30 days that end on that day."""
    refreshed = midnight(end + timedelta(1))
    first = end - timedelta(COST_DAYS - 1)
    week = _week(world, end, refreshed)
    listed = [model for model in world.listed(refreshed) if week.get(model.slug)]
    models = sorted(listed, key=lambda model: (-week[model.slug], model.slug))[:COST_MODELS]
    rows = [
        {
            "app_name": ranked.app.name(refreshed.date()),
            "app_slug": ranked.app.slug,
            "model_permaslug": model.slug,
            "turn_range": name,
            "median_session_cost_usd": cost,
        }
        for ranked in market.ranking(first, end, refreshed)[:COST_APPS]
        for model in models
        for name, cost in _costs(world.seed, ranked, model, refreshed)
    ]
    order = list(TURN_RANGES)
    return sorted(rows, key=lambda row: (row["app_slug"], row["model_permaslug"], order.index(row["turn_range"])))


def _costs(seed: int, ranked: Ranked, model: Model, refreshed: datetime) -> Iterator[tuple[str, float]]:
    """USD by number of turns of one app with one model; a quarter of the pairs have too few sessions to be shown."""
    pair = f"{seed}/session/{ranked.app.id}/{model.slug}"
    rng = Random(pair)
    if rng.random() < 0.25:
        return
    spread = rng.randint(700, 1300) + Random(f"{pair}/{refreshed}").randint(-40, 40)  # thousandths
    # Thousandths of thousandths of hundredths of a cent per million tokens are 1e-16 USD.
    turn = ranked.use.tokens // ranked.use.requests * model.price_at(refreshed) * COST_FACTOR * spread
    for name, turns in TURN_RANGES.items():
        yield name, turns * turn // 10**10 / MILLION


def benchmarks(world: World, now: datetime) -> list[Row]:
    """All published scores of the listed models at that instant, of all four kinds, with how the runs were made."""
    rows: list[Row] = []
    for model in world.listed(now):
        if model.output != "text" or ":" in model.id:
            continue
        rng = Random(f"{world.seed}/benchmarks/{model.slug}")
        # Newer and dearer models do better; in tenths of a point.
        level = 250 + max(0, (model.launched.date() - world.first_day).days) // 3 + min(150, model.price // 5)
        level += rng.randint(-60, 60)
        head = {"model_permaslug": model.slug, "display_name": model.name.partition(": ")[2]}
        prices = {"prompt": usd(model.price_at(now)), "completion": usd(4 * model.price_at(now))}
        rows += _scored(rng, level, head, prices)
        rows += _run(rng, level, head, model, now)
    return sorted(rows, key=lambda row: SOURCES.index(row["source"]))


def _scored(rng: Random, level: int, head: Row, prices: Row) -> Iterator[Row]:
    """What the two other houses say of a model; neither knows all models."""
    indices = [min(950, max(10, level + rng.randint(-50, 50))) / 10 for _ in range(3)]
    known = [True, rng.random() < 0.9, rng.random() < 0.6]
    if rng.random() < 0.7:
        names = ("intelligence_index", "coding_index", "agentic_index")
        scores = {n: index if is_known else None for n, index, is_known in zip(names, indices, known, strict=True)}
        yield {"source": "artificial-analysis"} | head | scores | {"pricing": prices}
    for arena, categories in ARENAS.items():
        for category in categories:
            elo = 900 + level // 2 + rng.randint(-60, 60)
            places = [rng.randint(20, 400) for _ in PLACES]
            milliseconds = rng.randint(8_000, 120_000) if rng.random() < 0.8 else None
            if rng.random() >= 0.25:
                continue
            lane = {"arena": arena, "category": category}
            standing = {
                "elo": elo,
                "win_rate": min(950, max(50, 500 + (elo - 1150) * 2)) / 10,
                "avg_generation_time_ms": milliseconds,
                "tournament_stats": dict(zip(PLACES, places, strict=True)) | {"total": sum(places)},
            }
            yield {"source": "design-arena"} | head | lane | standing | {"pricing": prices}


def _run(rng: Random, level: int, head: Row, model: Model, now: datetime) -> Iterator[Row]:
    """The runs that OpenRouter itself has made of a model by now."""
    for kind, task in BENCHMARKS.items():
        done_on = model.launched.date() + timedelta(rng.randint(3, 40))
        ran_at = datetime.combine(done_on, time(12), UTC)
        score = min(990, max(20, level + rng.randint(-80, 80))) / 1000
        stddev = rng.randint(5, 40) / 1000
        tasks, cost = rng.randint(80, 400), rng.randint(1, 400) * (1 + model.price) / MILLION
        engine, surface, latency = rng.choice(ENGINES), rng.choice(SURFACES), rng.randint(4_000, 60_000)
        if rng.random() < 0.6 or ran_at > now:
            continue
        run = {"source": "openrouter"} | head | {"benchmark_type": kind}
        done = {"total_tasks": tasks, "avg_cost_per_task": cost, "last_run_timestamp": iso(ran_at)}
        if task != "search":
            yield run | {"accuracy": score, "accuracy_stddev": stddev} | done
            continue
        lane = {"search_engine": engine, "search_surface": surface, "avg_latency_per_task_ms": latency}
        metric = "f1_by_item" if kind == "search_widesearch" else "accuracy"
        effort = "high" if model.reasoning else None
        config = {"max_agent_turns": 25, "reasoning_effort": effort, "temperature": None if effort else 0.2}
        yield run | {"primary_metric": metric, "primary_score": score} | done | lane | {"run_config": config}


def of_task(rows: Iterable[Row], task_type: str) -> Iterator[Row]:
    """The scores that say something about one type of task."""
    for row in rows:
        if row["source"] == "artificial-analysis":
            fits = row.get(f"{task_type}_index") is not None
        elif row["source"] == "design-arena":
            fits = task_type == "coding" and row["category"] in CODING_CATEGORIES
        else:
            fits = BENCHMARKS[row["benchmark_type"]] == task_type
        if fits:
            yield row


def having(rows: Sequence[Row], **wanted: str | None) -> list[Row]:
    """The rows with the wanted values, where one is wanted."""
    return [row for row in rows if all(value in (None, row.get(name)) for name, value in wanted.items())]


def without(rows: Iterable[Row], names: Collection[str]) -> list[Row]:
    """The rows without some fields."""
    return [{name: value for name, value in row.items() if name not in names} for row in rows]
