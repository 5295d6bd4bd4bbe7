"""The ledger of claims: which figures give which verdict, and what the findings say of them.

The claims read built tables only, so that each case puts its rows there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from pipeline import lineage, models
from pipeline.simulation import World
from tests.models.harness import (
    MODELS,
    final,
    insert,
    landed,
    rows,
    world_boards,
    world_catalogues,
    world_days,
)
from tests.models.harness import built as built_from_raw

TODAY = date(2026, 3, 1)
CLAIMS = sorted(name for name in MODELS if name.startswith("claims."))
Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    """Every table, built from nothing."""
    connection = landed()
    models.require_passed(models.build(connection, MODELS))
    yield connection
    connection.close()


def judged(empty: duckdb.DuckDBPyConnection, claim: str, *given: Tables) -> dict[str, Any]:
    """The row of a claim where the built tables hold these rows."""
    empty.execute("begin")
    try:
        for tables in given:
            for table, of_table in tables.items():
                insert(empty, table, of_table)
        result = empty.execute(MODELS[f"claims.{claim}"].sql)
        names = [column[0] for column in result.description]
        (found,) = result.fetchall()
        return dict(zip(names, found, strict=True))
    finally:
        empty.execute("rollback")


def before(days: int) -> date:
    return TODAY - timedelta(days)


def growth(dimension: str, on: date = TODAY, /, **entities: tuple[float | None, float | None]) -> Tables:
    """Share and contribution of the entities of a dimension; `_` in a name stands for what Python does not allow."""
    return {
        "marts.fct_token_growth_daily": [
            {
                "dimension": dimension,
                "entity": entity,
                "date": on,
                "share_pct": share,
                "contribution_28d_pp": contribution,
                "growth_28d_pct": contribution,
                "total_tokens": None if share is None else round(10 * share),
                "rank": None if entity in ("all", "other") else rank,
                "is_provisional": False,
            }
            for rank, (entity, (share, contribution)) in enumerate(entities.items(), start=1)
        ]
    }


def concentration(low: float, high: float, count: tuple[int, int | None] = (7, 7), on: date = TODAY) -> Tables:
    effective = {"effective_number_low": low, "effective_number_high": high}
    counts = {"count_for_80_pct_low": count[0], "count_for_80_pct_high": count[1]}
    row = {"dimension": "model", "date": on, **effective, **counts, "is_provisional": True}
    return {"marts.fct_concentration_daily": [row]}


def catalogue(*slugs: str) -> Tables:
    listed = [{"model_permaslug": slug, "author": slug.split("/")[0], "tokenizer": "GPT"} for slug in slugs]
    gone = {"model_permaslug": "z/gone", "author": "z", "tokenizer": "GPT", "valid_to": TODAY}
    router = {"model_permaslug": "y/auto", "author": "y", "tokenizer": "Router"}
    return {"marts.dim_model_history": [*listed, gone, router]}


def providers(listed: int) -> Tables:
    return {"marts.dim_provider": [{"provider_slug": f"p{n}", "is_listed": n < listed} for n in range(listed + 1)]}


def entries(*changes: float, gap: int | None = None) -> Tables:
    """First entries on successive days, each with its growth in percent; the model at rank 11 does not grow."""
    first = before(60)
    days = [first + timedelta(n) for n in range(len(changes) + 27)]
    loaded = [{"date": on, "is_loaded": n != gap, "is_provisional": n == len(days) - 1} for n, on in enumerate(days)]
    found = [{"kind": "top_10_entry", "dimension": "author", "entity": "c", "date": first}]
    tokens = [{"date": on, "model_permaslug": "b/steady", "rank": 11, "total_tokens": 100} for on in days]
    for number, change in enumerate(changes):
        slug, on = f"a/m{number}", days[number]
        found.append({"kind": "top_10_entry", "dimension": "model", "entity": slug, "date": on})
        for offset in (*range(7), *range(21, 28)):
            used = 1000 if offset < 7 else round(10 * (100 + change))
            tokens.append(
                {"date": on + timedelta(offset), "model_permaslug": slug, "rank": 9, "total_tokens": used},
            )
    return {"intermediate.int_days": loaded, "marts.fct_events": found, "marts.fct_model_tokens_daily": tokens}


def page(reasoning: float | None, window: int = 7, saved: int = 100, output: float = 12.5) -> Tables:
    """A window of a page that was saved some days ago."""
    row = {
        "basis": "page_window",
        "ranking_window": str(window),
        "window_start_date": before(saved + window),
        "window_end_date": before(saved + 1),
        "source_at": before(saved),
        "completion_share_pct": output,
        "reasoning_share_pct": reasoning,
    }
    return {"marts.fct_reasoning_share": [row]}


def capable(low: float, high: float) -> Tables:
    row = {
        "basis": "capability",
        "window_start_date": TODAY,
        "window_end_date": TODAY,
        "capable_share_low_pct": low,
        "capable_share_high_pct": high,
        "is_provisional": True,
    }
    return {"marts.fct_reasoning_share": [row]}


def free(variant: float, zero: float, unmatched: float, contribution: float = -2.0) -> Tables:
    paid = (100 - variant - zero - unmatched - 10, 8.0)
    return growth(
        "price_class",
        free_variant=(variant, contribution),
        zero_price=(zero, 0.5),
        paid=paid,
        unmatched=(unmatched, 1.0),
        other=(10, 0.5),
    )


def hand_overs(*followed: float | None) -> Tables:
    found = [
        {"kind": "free_to_paid", "dimension": "model", "entity": f"a/m{n}:free", "date": before(400), "size": size}
        for n, size in enumerate(followed)
    ]
    return {"marts.fct_events": found}


def launch(slug: str, days_ago: int, tokens: float) -> Tables:
    row = {"kind": "free_launch", "dimension": "model", "entity": slug, "date": before(days_ago), "size": tokens}
    return {"marts.fct_events": [row]}


def offers(**prices: Sequence[float]) -> Tables:
    """Models by what their providers ask; each price is one provider's."""
    return {
        "marts.fct_endpoint_daily": [
            {"date": TODAY, "model_permaslug": slug, "endpoint_number": n, "provider_slug": f"p{n}"}
            | {"prompt_usd_per_token": price}
            for slug, asked in prices.items()
            for n, price in enumerate(asked)
        ]
    }


def app_day(residual: float | None, on: date = TODAY, *, is_whole: bool = True, tokens: int = 800) -> Tables:
    row = {"date": on, "listed_apps": 12, "residual_pct": residual, "is_whole": is_whole, "is_provisional": False}
    return {"marts.fct_app_residual_daily": [row | {"app_tokens": tokens, "app_requests": 10}]}


MONTH = [app_day(None, before(days_ago)) for days_ago in range(29)]


def used_apps(*shares: float, names: Sequence[str] = (), on: date = TODAY) -> Tables:
    return {
        "marts.fct_app_tokens_daily": [
            {"date": on, "app_id": n, "app_name": names[n - 1] if names else f"App {n}"}
            | {"rank": n, "share_pct": share, "total_tokens": round(1000 * share)}
            for n, share in enumerate(shares, start=1)
        ]
    }


def buckets(days_ago: int, million: int, ten_million: int) -> Tables:
    """Tokens of 7 days in the context buckets, of 1000 in all."""
    tokens = {"1K": 0, "10K": 100, "100K": 900 - million - ten_million, "1M": million, "10M": ten_million}
    facts = {"dimension": "context_bucket", "date": before(days_ago), "is_provisional": False}
    found = [{**facts, "entity": entity, "tokens_7d": used} for entity, used in tokens.items()]
    return {"marts.fct_token_growth_daily": [*found, {**facts, "entity": "other", "tokens_7d": 0}]}


def app_weeks(days_ago: int, tokens: int) -> list[Tables]:
    return [app_day(None, before(days_ago + offset), tokens=tokens) for offset in range(7)]


# In 28 days 100 tokens a request, and 120 in the 28 days after; 7 days are not told.
DECOMPOSED: Tables = {
    "marts.fct_app_decomposition": [
        {"app_id": 1, "app_name": "App 1", "date": TODAY, "window_days": window_days}
        | {"tokens_before": 1000, "tokens_after": tokens, "requests_before": 10, "requests_after": 12}
        | {"change_tokens": tokens - 1000, "requests_effect_tokens": 200, "mix_effect_tokens": -150}
        | {"intensity_effect_tokens": 450, "listing_effect_tokens": tokens - 1500}
        | {"within_tokens_per_request": 25.0, "mix_tokens_per_request": -10.0, "listing_tokens_per_request": 5.0}
        for window_days, tokens in ((7, 9999), (28, 1440))
    ]
}


def authors(other: int = 0, **tokens: int | tuple[int, int]) -> Tables:
    """Tokens of authors on the day, with an upper bound where one is given; `all` and `other` are no authors."""
    bounds = {author: used if isinstance(used, tuple) else (used, used) for author, used in tokens.items()}
    total = other + sum(low for low, _ in bounds.values())
    day_of_board = {"board": "rankings", "date": TODAY, "day_number": 7, "is_loaded": True, "is_provisional": False}
    entities = [
        {"entity_id": n, "dimension": "author", "entity": author, "is_complete": author == "other"}
        for n, author in enumerate([*bounds, "other"])
    ]
    used = [
        {"entity_id": n, "day_number": 7, "low_tokens": low, "high_tokens": high}
        for n, (low, high) in enumerate([*bounds.values(), (other, other)])
    ]
    return {
        "intermediate.int_days": [{"date": TODAY, "is_loaded": True}],
        "intermediate.int_board_days": [{**day_of_board, "total_tokens": total, "other_tokens": other}],
        "intermediate.int_entities": entities,
        "intermediate.int_entity_days": used,
    }


def week(start: date, **estimates: int) -> Tables:
    total = sum(estimates.values())
    return {
        "marts.fct_token_growth_weekly": [
            {"dimension": "category", "entity": entity, "week_start_date": start, "estimated_tokens": used}
            | {"share_pct": 100 * used / total, "is_provisional": True, "is_whole": True}
            | {"parent_entity": "marketing" if entity == "seo" else None}
            for entity, used in [*estimates.items(), ("all", total)]
        ]
    }


def price_index(fisher: float, unit_value: float, paid: float, on: date = TODAY) -> Tables:
    """Indexes since a day, and what a million tokens cost with and without the free ones."""
    indexes = {"base_date": before(100), "fisher_index": fisher, "unit_value_index": 100 * unit_value}
    values = {"unit_value_usd_per_million": unit_value, "paid_unit_value_usd_per_million": paid}
    return {"marts.fct_price_index_daily": [{"date": on, **indexes, **values}]}


def spend(mid: float, *, is_assumed: bool, on: date = TODAY) -> Tables:
    """A day of which 80 % of the tokens have a price."""
    band = {"spend_low_usd": mid / 4, "spend_mid_usd": mid, "spend_high_usd": 2 * mid, "mid_usd_per_million": 1.0}
    row = {"date": on, "model_permaslug": "a/one", "total_tokens": 80, "is_price_assumed": is_assumed, **band}
    loaded = {"date": on, "is_loaded": True, "total_tokens": 100}
    return {"marts.fct_spend_daily": [row], "marts.dim_date": [loaded]}


def sessions(**costs: tuple[float, float]) -> Tables:
    """Median cost of a session of one turn and of 50 turns or more, by app."""
    return {
        "marts.fct_session_costs": [
            {
                "date": TODAY,
                "app_slug": app,
                "model_permaslug": "a/one",
                "turn_range": turns,
                "window_end_date": before(5),
            }
            | {"median_session_cost_usd": cost}
            for app, both in costs.items()
            for turns, cost in zip(("1-turn", "50-plus-turns"), both, strict=True)
        ]
    }


ROUTED = growth("variant", standard=(90, 0), nitro=(1.0, 0), other=(9, 0))
BARELY_ROUTED = growth("variant", standard=(90, 0), floor=(0.5, 0), other=(9.5, 0))
UNROUTED = growth("variant", standard=(90, 0), free=(5, 0), other=(5, 0))
CODING = growth("app_category", coding=(30, 2), creative=(20, 1), uncategorised=(40, 1), other=(10, 1))
CREATIVE = growth("app_category", coding=(20, 2), creative=(30, 1), other=(50, 1))
MONDAY = date(2026, 2, 16)


@pytest.mark.parametrize(
    ("claim", "given", "verdict", "value", "low", "high"),
    [
        ("breadth", [concentration(10, 12)], "supported", 10, 10, 12),
        ("breadth", [concentration(9.9, 12)], "mixed", 9.9, 9.9, 12),
        ("breadth", [concentration(4, 5)], "mixed", 4, 4, 5),
        ("breadth", [concentration(4, 4.9)], "not supported", 4, 4, 4.9),
        ("breadth", [concentration(20, 21, on=before(1)), concentration(4, 4.9)], "not supported", 4, 4, 4.9),
        ("rankings", [entries(*range(10, 110, 10))], "mixed", 55, 10, 100),
        ("rankings", [entries(*range(-4, 16))], "not supported", 5.5, 0, 11),
        ("rankings", [entries(*range(-29, -9))], "not supported", -19.5, -25, -14),
        ("rankings", [entries(*[50] * 9)], "undecidable", None, None, None),
        ("rankings", [entries(*[50] * 10, gap=2)], "undecidable", None, None, None),
        ("rankings", [entries(*[50] * 10, gap=18)], "mixed", 50, 50, 50),
        ("reasoning", [page(4.9, output=9.9)], "not supported", 4.9, 4.9, 9.9),
        ("reasoning", [page(4.9)], "mixed", 4.9, 4.9, 12.5),
        ("reasoning", [page(5), capable(60, 80)], "mixed", 5, 5, 12.5),
        ("reasoning", [page(10)], "supported", 10, 10, 12.5),
        ("reasoning", [page(10), page(1, saved=90), page(7, 30, saved=90)], "mixed", 7, 7, 12.5),
        ("reasoning", [page(None), capable(60, 80)], "undecidable", None, None, None),
        ("free_variants", [free(4, 1, 10), hand_overs(40, 50, 60)], "supported", 5, 5, 25),
        ("free_variants", [free(4, 1, 10), hand_overs(40, 49, 60)], "mixed", 5, 5, 25),
        ("free_variants", [free(4, 1, 10), hand_overs(40, None, 60)], "mixed", 5, 5, 25),
        ("free_variants", [free(4, 0, 0), hand_overs(50, 50, 50)], "mixed", 4, 4, 14),
        ("free_variants", [free(4, 0, 0), hand_overs(40, 49, 60)], "undecidable", 4, 4, 14),
        ("free_variants", [free(4, 0, 0)], "undecidable", 4, 4, 14),
        ("routing", [ROUTED, offers(one=[1.0, 1.2])], "supported", 1.2, 1.2, 1.2),
        ("routing", [BARELY_ROUTED, offers(one=[1.0, 1.2])], "mixed", 1.2, 1.2, 1.2),
        ("routing", [ROUTED], "mixed", None, None, None),
        ("routing", [ROUTED, offers(one=[1.0, 1.1])], "not supported", 1.1, 1.1, 1.1),
        ("routing", [UNROUTED, offers(a=[1.0, 2.0], b=[1.0, 4.0], c=[9.0], d=[0.0, 0.0])], "undecidable", 3, 3, 3),
        ("routing", [UNROUTED, growth("variant", before(90), nitro=(50, 0))], "undecidable", None, None, None),
        ("apps", [app_day(40), used_apps(*[5.0] * 11), CODING], "supported", 50, 50, 50),
        ("apps", [app_day(40), used_apps(*[5.0] * 10), CREATIVE], "mixed", 50, 50, 50),
        ("apps", [app_day(40), used_apps(*[5.0] * 10)], "mixed", 50, 50, 50),
        ("apps", [app_day(40), used_apps(*[4.9] * 10), CODING], "mixed", 49, 49, 49),
        ("apps", [app_day(91), used_apps(*[0.9] * 10), CODING], "not supported", 9, 9, 9),
        ("apps", [app_day(None), used_apps(5.0), CODING], "no data", None, None, None),
        ("contexts", [buckets(0, 300, 10), buckets(28, 290, 10)], "supported", 1, 1, 1),
        ("contexts", [buckets(0, 300, 9), buckets(28, 290, 10)], "not supported", 0.9, 0.9, 0.9),
        (
            "contexts",
            [buckets(0, 300, 10), buckets(28, 290, 10), *app_weeks(0, 90), *app_weeks(28, 100)],
            "mixed",
            1,
            1,
            1,
        ),
        (
            "contexts",
            [buckets(0, 280, 10), buckets(28, 290, 10), *app_weeks(0, 100), *app_weeks(28, 90)],
            "mixed",
            -1,
            -1,
            -1,
        ),
        ("contexts", [buckets(0, 300, 0), buckets(27, 100, 0)], "no data", None, None, None),
        ("contexts", [buckets(n, 300 - n // 2, 0) for n in (0, 28, 364, 370)], "supported", 18.2, 18.2, 18.2),
        ("contexts", [buckets(n, 300 - n // 2, 0) for n in (0, 28, 40)], "supported", 1.4, 1.4, 1.4),
        ("contexts", [buckets(n, 300 - n // 2, 0) for n in (0, 30, 40)], "supported", 2, 2, 2),
        ("community", [*MONTH, used_apps(1, 1, 1), used_apps(1, on=before(28))], "undecidable", 2, 2, 2),
        ("community", [*MONTH[:-1], used_apps(1, 1), used_apps(1, on=before(27))], "undecidable", None, None, None),
        ("community", [*MONTH[:9], *MONTH[10:], used_apps(1)], "undecidable", None, None, None),
        ("top_authors", [authors(google=3, anthropic=4, deepseek=5, x=2)], "supported", 3, 3, 3),
        ("top_authors", [authors(google=3, anthropic=4, deepseek=1, x=2)], "mixed", 2, 2, 2),
        ("top_authors", [authors(google=1, x=2, y=3, z=4)], "not supported", 0, 0, 0),
        ("top_authors", [authors(google=(1, 2), x=2, y=3, z=4)], "mixed", 0, 0, 1),
        ("top_authors", [authors(google=5, anthropic=4, deepseek=3, x=(2, 3))], "mixed", 3, 2, 3),
        ("top_authors", [authors(other=3, google=5, anthropic=4, deepseek=3)], "mixed", 3, 2, 3),
        # Two that were never listed may both have 18 of `other`.
        ("top_authors", [authors(other=40, google=50, deepseek=10, x=9)], "mixed", 2, 1, 3),
        ("top_authors", [authors(other=200, x=50, y=20, z=10)], "mixed", 0, 0, 3),
        ("top_apps", [app_day(5), used_apps(5, 4, 3, names=["CLINE", "kilo code", "Roo Code"])], "supported", 3, 3, 3),
        ("top_apps", [app_day(5), used_apps(5, 4, 3, 2, names=["Cline", "b", "c", "Roo Code"])], "mixed", 1, 1, 1),
        ("top_apps", [app_day(5), used_apps(5, 4, 3, names=["Clines", "b", "c"])], "not supported", 0, 0, 0),
        ("top_apps", [app_day(5, is_whole=False), used_apps(5, names=["Cline"])], "no data", None, None, None),
        ("use_cases", [week(MONDAY, programming=5, roleplay=4, marketing=3, seo=9)], "supported", 3, None, None),
        ("use_cases", [week(MONDAY, programming=5, roleplay=4, marketing=2, legal=3)], "mixed", 2, None, None),
        ("use_cases", [week(MONDAY, legal=5, health=4, finance=3, roleplay=2)], "not supported", 0, None, None),
        ("session_cost", [sessions(a=(0.01, 0.5), b=(0.0, 0.0))], "supported", 50, 50, 50),
        ("session_cost", [sessions(a=(0.01, 0.1), b=(0.01, 0.5))], "mixed", 30, 30, 30),
        ("session_cost", [sessions(a=(0.01, 0.09))], "not supported", 9, 9, 9),
        ("session_cost", [sessions(a=(0.0, 0.0))], "no data", None, None, None),
        ("rate_limits", [free(4, 1, 10)], "undecidable", None, None, None),
        ("tokenizers", [growth("tokenizer", GPT=(70, 0), Claude=(20, 0), other=(10, 0))], "supported", 20, 20, 30),
        ("tokenizers", [growth("tokenizer", GPT=(90, 0), Claude=(5, 0), unknown=(5, 0))], "mixed", 5, 5, 10),
        ("tokenizers", [growth("tokenizer", GPT=(95.5, 0), other=(4.5, 0))], "not supported", 0, 0, 4.5),
        ("tokenizers", [growth("tokenizer", unknown=(95.5, 0), other=(4.5, 0))], "no data", None, None, None),
    ],
)
def test_the_figures_decide_the_verdict(
    empty: duckdb.DuckDBPyConnection,
    claim: str,
    given: Sequence[Tables],
    verdict: str,
    value: float | None,
    low: float | None,
    high: float | None,
) -> None:
    row = judged(empty, claim, *given)
    assert row["verdict"] == verdict
    assert (row["value"], row["value_low"], row["value_high"]) == pytest.approx((value, low, high))
    assert (row["as_of_date"] is None) == (verdict == "no data")


def test_free_use_that_is_small_in_any_case_and_leads_nowhere_does_not_support_the_claim(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    small = growth("price_class", free_variant=(2, 0), paid=(96, 0), other=(2, 0))
    assert judged(empty, "free_variants", small, hand_overs(1, 2, 3))["verdict"] == "not supported"


# Dates of TODAY: before(100) is 2025-11-21, before(27) is 2026-02-02.
FINDINGS: dict[str, tuple[list[Tables], str]] = {
    "breadth": (
        [
            concentration(10, 12, (7, 9)),
            catalogue("a/one", "a/one:free", "b/two"),
            providers(3),
            growth("model_age", **{"0-30 days": (10, 2.5)}),
            growth("total", all=(100, 10)),
        ],
        "On 2026-03-01, tokens were spread as if over 10.0 to 12.0 models of equal size, and the largest 7 to 9 models "
        "made 80 % of them, while the newest catalogue lists 2 models by 2 authors, and the newest list of providers "
        "3. Listed models that are known to be in their first 31 days, whichever were that new in each window, account "
        "for +2.5 pp of the change of +10.0 % in all tokens between the last 28 days and the 28 before. "
        "Public data cannot decide how many models one developer uses, or what makes use spread.",
    ),
    "rankings": (
        [entries(*range(10, 110, 10))],
        "In 10 first entries into the top 10 until 2026-02-05, the tokens of the model changed by +55.0 % in "
        "the median from its first week there to the week three weeks later, and by +0.0 % for models at ranks 11 to "
        "20: a median difference of +55.0 pp (+10.0 to +100.0 pp). That is an association: a model that enters on an "
        "unusually high day falls back (regression to the mean), and one on its way up goes on rising whether it is "
        "ranked or not. Public data cannot decide whether anyone chose a model because of its rank.",
    ),
    "reasoning": (
        [
            page(1.25),
            capable(60, 80),
            growth("reasoning", capable=(60, 3), not_capable=(20, 9)),
            growth("total", all=(100, 12)),
        ],
        "From 2025-11-14 to 2025-11-20, the newest window of a saved page with such figures, reasoning made 1.2 % of "
        "all tokens as far as providers count it, and at most the 12.5 % that were output. Models that can reason, "
        "whether or not they did, had 60.0 % to 80.0 % of all tokens on 2026-03-01, and those of them that are "
        "listed and known account for +3.0 pp of the change of +12.0 % over 28 days. Public data cannot decide how "
        "many tokens are spent on reasoning at present, or how many would be without it.",
    ),
    "free_variants": (
        [
            free(4, 1, 10),
            hand_overs(40, 50, 60),
            launch("a/{0}:free", 89, 2e12),
            launch("a/old:free", 90, 9e12),
            launch("a/small:free", 3, 1e12),
            {"intermediate.int_days": [{"date": before(500)}]},
            price_index(90, 0.25, 0.5),
            price_index(90, 0.125, 0.5, before(1)),
        ],
        "On 2026-03-01, free models had at least 5.0 % of all tokens, at most 25.0 % with all that is not listed or "
        "has no known price, and those that are known account for -1.5 pp of the change of +8.0 % over 28 days (the "
        "largest free launch since 2025-12-02: a/{0}:free on 2025-12-02, 2.00 T in 7 days). Tokens of the first paid "
        "week were 50.0 % of those of the last free week in the median of the 3 known hand-overs to a paid model of "
        "the same name. On 2026-03-01, free models lowered the estimated cost of a million tokens from 0.500 to 0.250 "
        "USD. Public data cannot decide how many users of a free model pay later.",
    ),
    "routing": (
        [
            BARELY_ROUTED,
            growth("variant", before(89), nitro=(2, 0)),
            offers(a=[1.0, 2.0], b=[1.0, 4.0]),
            price_index(87.5, 1.25, 2),
            price_index(1, 1, 1, before(1)),
        ],
        "The variants listed from 2025-12-02 to 2026-03-01 were floor, nitro, standard: floor, nitro among them, with "
        "0.5 % of the tokens of the last day. On 2026-03-01, the dearest provider of a model asked 3.00 times the "
        "prompt price of the cheapest (median of 2 ranked models with two or more providers and a price). From "
        "2025-11-21 to 2026-03-01, list prices of the same models changed by -12.5 % (chained Fisher index), and with "
        "the mix of models the estimated cost of a million tokens by +25.0 %. "
        "Public data cannot decide which provider served a request, or what routing saved.",
    ),
    "apps": (
        [app_day(38.25), used_apps(*[5.0] * 11), CODING, DECOMPOSED],
        "On 2026-03-01, the 10 largest listed apps had 50.0 % of all tokens, and 38.2 % belonged to no listed app. "
        "Listed apps that OpenRouter files under coding had 30.0 % of all tokens, and account for +2.0 pp of the "
        "change of +5.0 % over 28 days. Tokens of listed apps changed by +44.0 % over 28 days: +20.0 pp with the "
        "number of requests, +45.0 pp with the tokens of a request, -15.0 pp as requests moved between apps, and -6.0 "
        "pp as apps entered or left the list. "
        "Public data cannot decide what uses the rest: apps opt in to be listed, and at most 200 are.",
    ),
    "contexts": (
        [buckets(0, 300, 10), buckets(28, 290, 15), *app_weeks(0, 98764), *app_weeks(28, 12344), DECOMPOSED],
        "The two longest context buckets, 1M and 10M, had 31.0 % of all tokens in the 7 days until 2026-03-01, after "
        "30.5 % in the 7 days until 2026-02-01 (+0.5 pp). A request of the listed apps had 9,876 tokens on average in "
        "these 7 days, and 1,234 in the earlier ones. Between the last 28 days and the 28 before, the tokens of a "
        "request of listed apps changed by +20.0 %: +25.0 pp within apps, -10.0 pp as requests moved between apps, and "
        "+5.0 pp as apps entered or left the list. "
        "Public data cannot decide how long single chats are, or how much of a request is history.",
    ),
    "community": (
        [*MONTH, used_apps(1, 1, 1), used_apps(1, on=before(28))],
        "On 2026-03-01, 12 apps were listed, and 2 had their first day in the lists, held since 2026-02-01, in the 28 "
        "days until then. Public data cannot decide whether attention spreads models: only apps that opt in are "
        "listed, at most 200 of them, and nothing says what made them choose.",
    ),
    "top_authors": (
        [authors(other=10, google=40, **{"{x}": 30}, deepseek=15, y=5)],
        "By listed tokens of 2026-03-01 the largest authors were google 40.0 %, {x} 30.0 %, deepseek 15.0 % of all "
        "tokens. Public data cannot decide what an author has below rank 50, nor compare tokens across tokenizers "
        "exactly.",
    ),
    "top_apps": (
        [app_day(5), used_apps(5, 4, 3, 2, names=["Cline", "{} % {0}", "c", "d"])],
        "On 2026-03-01 the largest listed apps were Cline 5.0 %, {} % {0} 4.0 %, c 3.0 % of all tokens. "
        "Public data cannot decide which apps are largest of all, because apps opt in to be listed.",
    ),
    "use_cases": (
        [week(MONDAY, programming=50, roleplay=30, legal=15, health=5)],
        "In the week from 2026-02-16 the largest categories by estimated tokens were programming 50.0 %, roleplay 30.0 "
        "%, legal 15.0 % of the sum of all categories. Public data cannot decide it exactly: OpenRouter scales these "
        "figures up from a sample, states no margin, and categories overlap.",
    ),
    "session_cost": (
        [sessions(a=(0.01, 0.1), b=(0.03, 1.5)), spend(4e6, is_assumed=True), spend(1, is_assumed=False, on=before(1))],
        "In the window until 2026-02-24, the median session cost 0.0200 USD with one turn and 0.8000 USD with 50 turns "
        "or more (medians over 2 pairs of app and model that are not free). In the median pair that is 30.0 times as "
        "much (10.0 to 50.0 times over all pairs), for at least 50 times the turns. The 80.0 % of all tokens of "
        "2026-03-01 that have a price cost 4.00 M USD by the assumed mix of tokens, between 1.00 M USD (prompts at the "
        "lowest price) and 8.00 M USD (nothing cached), some of them at prices of another day. Public data cannot "
        "decide what a turn of a long session costs: neither the numbers of turns nor of sessions are published.",
    ),
    "rate_limits": (
        [free(4, 1, 10)],
        "On 2026-03-01, free variants had at least 4.0 % of all tokens, with the limits in force. Public data cannot "
        "decide how much more it would be without them, because refused calls are not published.",
    ),
    "tokenizers": (
        [
            growth("tokenizer", **{"Other family": (40, 0)}, GPT=(30, 0), Claude=(20, 0), other=(10, 0)),
            growth("author", **{"{x}": (50, 0)}, b=(40, 0), other=(10, 0)),
        ],
        "On 2026-03-01, 60.0 % to 70.0 % of all tokens were outside the largest family of tokenizers known, GPT. If "
        "each token of the largest author, {x}, stood for 20 % less or more text than those of the others, its share "
        "would be 44.4 % or 54.5 % instead of 50.0 %. Public data cannot decide how much text a token of each family "
        "holds.",
    ),
}


def test_a_model_below_the_cut_off_is_not_taken_for_one_without_tokens(empty: duckdb.DuckDBPyConnection) -> None:
    """Of 100 tokens at rank 11 each of ten models falls below a cut-off of 80 after a week: by 20 % at most."""
    given = entries(*[-10] * 10)
    days = [{**day, "cutoff_tokens": 80} for day in given["intermediate.int_days"]]
    entered = [row for row in given["marts.fct_model_tokens_daily"] if row["model_permaslug"] != "b/steady"]
    fallen = [
        {"date": before(60 - number - offset), "model_permaslug": f"b/m{number}"}
        | {"rank": 11 if offset == 0 else 30, "total_tokens": 100}
        for number in range(10)
        for offset in range(7)
    ]
    given = {**given, "intermediate.int_days": days, "marts.fct_model_tokens_daily": [*entered, *fallen]}
    row = judged(empty, "rankings", given)
    assert row["value"] == pytest.approx(10)
    assert "changed by -10.0 % in the median" in row["finding"]
    assert "by -20.0 % for models at ranks 11 to 20" in row["finding"]


@pytest.mark.parametrize("claim", FINDINGS)
def test_a_finding_states_the_figures(empty: duckdb.DuckDBPyConnection, claim: str) -> None:
    given, finding = FINDINGS[claim]
    assert judged(empty, claim, *given)["finding"] == finding


def test_what_was_largest_in_the_month_of_the_note_is_told_where_all_of_it_is_loaded(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    august = [date(2025, 8, 1) + timedelta(n) for n in range(31)]
    loaded: Tables = {"intermediate.int_days": [{"date": on, "is_loaded": True} for on in august]}
    used = [growth("author", on, a=(40, 0), b=(20, 0), c=(30, 0), d=(5, 0), other=(90, 0)) for on in august]
    now = authors(google=4, x=3, y=2, z=1)
    assert ", in August 2025 they were a, c, b." in judged(empty, "top_authors", now, loaded, *used)["finding"]
    assert "August" not in judged(empty, "top_authors", now, *used)["finding"]

    now = {**app_day(5), **used_apps(5, 4, 3)}
    lists = [{**app_day(5, on), **used_apps(1, 9, 5, 4, on=on)} for on in august]
    assert ", in August 2025 they were App 2, App 3, App 4." in judged(empty, "top_apps", now, *lists)["finding"]
    assert "August" not in judged(empty, "top_apps", now, *lists[1:])["finding"]

    now = week(MONDAY, programming=5)
    weeks = [week(date(2025, 8, 4) + timedelta(7 * n), legal=9, roleplay=5, health=4, finance=1) for n in range(4)]
    told = ", in the four whole weeks of August 2025 they were legal, roleplay, health."
    assert told in judged(empty, "use_cases", now, *weeks)["finding"]
    assert "August" not in judged(empty, "use_cases", now, *weeks[1:])["finding"]


def test_a_market_of_other_tokenizers_only_is_told_from_one_that_is_not_loaded(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    told = judged(empty, "tokenizers", growth("tokenizer", **{"Other family": (90, 0)}, other=(10, 0)))
    assert told["verdict"] == "no data"
    assert told["finding"].startswith("Of the ranked models the catalogue tells only the family Other, which is none. ")
    unknown = judged(empty, "tokenizers", growth("tokenizer", unknown=(90, 0), other=(10, 0)))
    for row in (unknown, judged(empty, "tokenizers")):
        assert row["finding"].startswith("No daily rankings with a catalogue that tells tokenizers are loaded. ")


@pytest.mark.parametrize("claim", [name.removeprefix("claims.") for name in CLAIMS])
def test_without_data_nothing_is_claimed(empty: duckdb.DuckDBPyConnection, claim: str) -> None:
    row = judged(empty, claim)
    assert row["verdict"] in ("no data", "undecidable")
    assert (row["value"], row["value_low"], row["value_high"], row["as_of_date"]) == (None, None, None, None)
    assert row["is_provisional"] is False
    assert "Public data cannot decide " in row["finding"]
    assert row["claim"]
    assert row["rule"]


def test_the_ledger_has_every_claim_once(empty: duckdb.DuckDBPyConnection) -> None:
    numbers = [*(str(n) for n in range(1, 9)), "F1", "F2", "F3", "L1", "L2", "L3"]
    assert [claim for (claim,) in rows(empty, "rpt_driver_claims", "claim_id")] == numbers
    assert len(CLAIMS) == len(numbers)
    columns = {tuple(MODELS[name].columns) for name in (*CLAIMS, "marts.rpt_driver_claims")}
    assert len(columns) == 1, "the union takes the columns by their place"


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_names_the_published_tables_that_it_reads_and_what_else_it_reads_is_behind_them(
    empty: duckdb.DuckDBPyConnection, claim: str
) -> None:
    read = MODELS[claim].depends_on
    published = {name for name in read if lineage.is_published(name)}
    named = [f"marts.{table}" for table in judged(empty, claim.removeprefix("claims."))["tables"].split(", ")]
    assert sorted(named) == sorted(published)
    reads = lineage.graph(MODELS)
    assert read - published <= frozenset().union(*(lineage.behind(reads, name) for name in named))


def test_the_claims_are_judged_on_a_whole_market() -> None:
    world = World(days=120)
    days = world_days(world, 0, 119)
    connection = built_from_raw(
        final(world_boards(world, days)), *world_catalogues(world, days[-1:]), select=["+rpt_driver_claims"]
    )
    found = {
        claim: (verdict, as_of)
        for claim, verdict, as_of in rows(connection, "rpt_driver_claims", "claim_id, verdict, as_of_date")
    }
    assert found["1"] == ("supported", days[-1])
    assert found["F1"] == ("not supported", days[-1]), "the authors of a simulated market are made up"
    # It has no apps, contexts, estimates and sessions, and its catalogue tells no family of tokenizers.
    nothing = {claim for claim, (verdict, _) in found.items() if verdict == "no data"}
    assert nothing == {"6", "7", "F2", "F3", "L1", "L3"}
