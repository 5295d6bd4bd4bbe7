"""What is there, how fresh and how complete it is: facts, one row a source, and a calendar of gaps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from pipeline.quota import Quota
from pipeline.reading import cited
from pipeline.rendering import Table
from pipeline.settings import Settings
from pipeline.warehouse import last_build, published, rows_of, unbuilt_marts

CALENDAR_WEEKS = 8
DAY = timedelta(days=1)
MARKS = {
    "loaded": "\N{BLACK SQUARE}",
    "not yet published": "?",
    "missing": "\N{WHITE SQUARE}",
    "lost": "x",
    "before floor": "\N{MIDDLE DOT}",
}

OVERVIEW = """
select
    min(date) as first_date,
    max(date) as last_date,
    count(*) filter (where is_loaded) as loaded_days,
    count(*) filter (where not is_loaded) as missing_days,
    count(*) filter (where is_provisional) as provisional_days
from dim_date
"""
SOURCES = """
with answers as (
    select
        source,
        count(*) as answers,
        count(*) filter (where outcome in ('refused', 'void')) as refused
    from loads
    group by source
),

dates as (
    select
        source,
        min(date) filter (where state = 'loaded') as first_date,
        max(date) filter (where state = 'loaded') as last_date,
        count(*) filter (where state = 'loaded') as loaded,
        count(*) filter (where state = 'missing') as missing,
        count(*) filter (where state = 'lost') as lost
    from rpt_coverage
    group by source
)

select
    answers.source,
    sources.cadence,
    answers.answers,
    answers.refused,
    health.newest_answer_at,
    dates.first_date,
    dates.last_date,
    coalesce(dates.loaded, 0) as loaded,
    coalesce(dates.missing, 0) as missing,
    coalesce(dates.lost, 0) as lost,
    health.last_refusal
from answers
left join rpt_source_health as health on answers.source = health.source
left join sources on answers.source = sources.source
left join dates on answers.source = dates.source
order by sources.rowid
"""


def status(settings: Settings) -> tuple[dict[str, Any], list[Table]]:
    """Return the facts for JSON, and the tables for the screen: overview, sources, calendar."""
    with published(settings) as connection:
        contract = rows_of(connection, "select * from contract")[0]
        built_at = last_build(connection)["built_at"]
        overview = rows_of(connection, OVERVIEW)[0]
        restated = connection.execute("select count(*) from rpt_revisions where is_restated").fetchall()[0][0]
        unmatched = connection.execute(
            "select coalesce(sum(share_pct), 0) from rpt_unmatched_models where date = ?", [overview["last_date"]]
        ).fetchall()[0][0]
        disagreements = connection.execute(
            "select count(*) from rpt_reconciliation where verdict = 'differs' and not is_provisional"
        ).fetchall()[0][0]
        unbuilt = unbuilt_marts(connection)
        sources = rows_of(connection, SOURCES)
        coverage = connection.execute("select source, date, state from rpt_coverage order by source, date").fetchall()
    states = {source: {on: state for _, on, state in cells} for source, cells in groupby(coverage, lambda row: row[0])}
    today = settings.now().date()
    quota = Quota.of(settings)
    facts = {
        "home": str(settings.home),
        "published_as_of": contract["as_of"],
        "is_simulated": contract["is_simulated"],
        "built_at": built_at,
        **overview,
        "days_behind": max(0, (today - DAY - overview["last_date"]).days),
        "restated_figures": restated,
        "unmatched_share_pct_newest_day": unmatched,
        "figures_that_differ": disagreements,
        "statistics_tables": f"not built: {', '.join(unbuilt)}" if unbuilt else "all built",
        "requests_used_today": f"{quota.used_today()} of {settings.requests_per_day}" if quota else "no key set",
        "citation": cited(contract),
    }
    for source in sources:
        mine = states.get(source["source"], {})
        for state in ("missing", "lost"):
            source[f"{state}_dates"] = _ranges(
                (on for on in sorted(mine) if mine[on] == state), step=7 if source["cadence"] == "week" else 1
            )
    shown = [
        {name: value if value is not None else "-" for name, value in source.items() if not name.endswith("_dates")}
        for source in sources
    ]
    tables = [
        Table("", ["fact", "value"], [[name, value] for name, value in facts.items()]),
        Table("", list(shown[0]), [list(source.values()) for source in shown]),
        _calendar(sources, states, today),
    ]
    return {**facts, "sources": sources}, tables


def _calendar(sources: Iterable[Mapping[str, Any]], states: Mapping[str, Mapping[date, str]], today: date) -> Table:
    """Return one column a week, one mark a day, and the gaps of the weeks before in words."""
    monday = today - today.weekday() * DAY
    weeks = [monday - n * 7 * DAY for n in range(CALENDAR_WEEKS - 1, -1, -1)]
    rows = []
    for source in sources:
        mine = states.get(source["source"], {})
        marks = [
            "".join(MARKS.get(mine.get(week + n * DAY, ""), " ") for n in range(7)).rstrip() or "-" for week in weeks
        ]
        gaps = [on for on in sorted(mine) if on < weeks[0] and mine[on] in ("missing", "lost")]
        before = _ranges(gaps, step=7 if source["cadence"] == "week" else 1)
        more = f" and {len(before) - 2} more" if len(before) > 2 else ""
        rows.append([source["source"], *marks, ", ".join(before[:2]) + more or "none"])
    legend = ", ".join(f"{mark} {state}" for state, mark in MARKS.items()) + ", blank or - not wanted"
    return Table("Days held, by week", ["source", *(f"{week:%m-%d}" for week in weeks), "gaps before"], rows, legend)


def _ranges(dates: Iterable[date], step: int) -> list[str]:
    """Write dates as ranges of consecutive ones."""
    ranges: list[list[date]] = []
    for on in dates:
        if ranges and (on - ranges[-1][-1]).days == step:
            ranges[-1][1:] = [on]
        else:
            ranges.append([on])
    return [str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}" for found in ranges]
