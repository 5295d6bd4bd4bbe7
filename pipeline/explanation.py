"""Where growth came from: the waterfall of a window with the events behind it, and the ledger of claims."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pipeline.errors import UsageError
from pipeline.reading import cited, daily_tokens, dimension_named, simulated_note, simulated_title
from pipeline.rendering import Format, Table, clean, signed, signed_tokens, sparkline, to_json, tokens
from pipeline.settings import Settings
from pipeline.warehouse import published, rows_of

WINDOWS = (7, 28)
SHOWN_EVENTS = 10
LEDGER_WIDTH = 100

STEPS = """
from rpt_growth_explained
where dimension = ? and date = ? and window_days = ?
order by abs(change_tokens) desc, entity
"""
REACH = """
select min(date) as first_date, max(date) as last_date from rpt_growth_explained where dimension = ? and window_days = ?
"""
# Of several events of one entity on one day all are named, and the one that tells most is described.
TELLING = (
    *("free_to_paid", "price_change", "free_launch", "stealth_debut", "free_end", "disappearance"),
    *("top_10_entry", "launch", "first_listing", "exit"),
)
EVENTS = """
with found as (
    select
        events.*,
        list_position(?, events.kind) as position,
        case ?
            when 'model' then events.entity
            when 'author' then models.author
            when 'organisation' then models.organisation
        end as step,
        changes.change_tokens
    from fct_events as events
    left join dim_model as models on events.entity = models.model_permaslug
    left join rpt_growth_explained as changes
        on events.entity = changes.entity
        and changes.dimension = 'model'
        and changes.date = ?
        and changes.window_days = ?
    where
        events.date between ? and ? and events.dimension = 'model'
        -- What ended on the first day is in neither window.
        and (events.date > ? or changes.tokens_before > 0 or changes.tokens_after > 0)
)

select
    date,
    string_agg(replace(kind, '_', ' '), ', ' order by position) as what,
    entity,
    any_value(step) as step,
    any_value(change_tokens) as change_tokens,
    any_value(tokens_7d_before) as tokens_7d_before,
    -- Of a hand-over it is the other model's.
    coalesce(any_value(tokens_7d_after) filter (where related_entity is null), any_value(tokens_7d_after))
        as tokens_7d_after,
    arg_min(detail, position)
    || coalesce(any_value(format(', with {:.0f} % of its tokens', size)) filter (where kind = 'free_to_paid'), '')
        as detail
from found
where ? or step in (select unnest(?))
group by date, entity
order by abs(any_value(change_tokens)) desc nulls last, date, entity
limit ?
"""


@dataclass(frozen=True)
class Explained:
    """A waterfall and its events, for people and as they are stored."""

    steps: Table
    events: Table
    raw: dict[str, Any]
    summary: str
    citation: str

    def render(self, form: Format, width: int | None = None) -> str:
        """Return both tables, on a screen of `width` columns; of CSV the steps only: one file holds one table."""
        if form is Format.JSON:
            return to_json(self.raw)
        if form is Format.CSV:
            # Where no title is printed, a column says whether the figures are made up.
            rows = [row | {"is_simulated": self.raw["is_simulated"]} for row in self.raw["steps"]]
            return Table("", list(rows[0]), [list(row.values()) for row in rows]).render(form)
        return "\n\n".join(table.render(form, width) for table in (self.steps, self.events))


def explain(settings: Settings, day: date | None, window_days: int, by: str, top: int) -> Explained:
    """Return what each entity of a dimension added to the total's growth over a window, and the events behind it.

    The `top` largest steps are shown, the others in one line, so that what is shown adds up. Events are those of
    models of the shown steps, else of the whole market, from the start of the window before to the day, but for what
    ended on that start, which is in neither window.
    """
    if window_days not in WINDOWS:
        raise UsageError(f"There is no window of {window_days} days; choose 7 or 28.")
    with published(settings) as connection:
        contract = rows_of(connection, "select * from contract")[0]
        known = rows_of(connection, "from dim_dimension where is_partition and dimension <> 'total'")
        plurals = {row["dimension"]: row["plural"] for row in known}
        dimension = dimension_named(by, plurals, "Growth is not explained by")
        reach = rows_of(connection, REACH, [dimension, window_days])[0]
        day = day or reach["last_date"]
        steps = rows_of(connection, STEPS, [dimension, day, window_days]) if day else []
        if not steps:
            held = (
                "there are {first_date} to {last_date}".format(**reach) if reach["last_date"] else "there is none yet"
            )
            raise UsageError(
                f"There is no explanation by {dimension} of the {window_days} days until {day or 'now'}, which takes "
                f"{2 * window_days} loaded days in a row; of those that can be had, {held}, and "
                "`tokengrowth backfill` loads more days."
            )
        shown = [row for row in steps if row["entity"] != "other"][:top]
        entities = [row["entity"] for row in shown]
        daily = daily_tokens(connection, dimension, steps[0]["date"])
        has_models = dimension in ("model", "author", "organisation")
        since = day - timedelta(2 * window_days - 1)
        events = rows_of(
            connection,
            EVENTS,
            [list(TELLING), dimension, day, window_days, since, day, since, not has_models, entities, SHOWN_EVENTS],
        )
    citation = cited(contract, dimension)
    before, after = (sum(row[name] for row in steps) for name in ("tokens_before", "tokens_after"))
    growth = 100 * (after / before - 1) if before else None
    raw = {
        "date": day,
        "window_days": window_days,
        "by": dimension,
        "tokens_before": before,
        "tokens_after": after,
        "growth_pct": growth,
        "is_provisional": steps[0]["is_provisional"],
        "is_simulated": contract["is_simulated"],
        "steps": steps,
        "events": events,
        "citation": citation,
    }
    simulated = simulated_title(contract["is_simulated"])
    state = " (provisional: a day of either window may be restated)" if steps[0]["is_provisional"] else ""
    title = (
        f"{simulated}Growth of all tokens over the {window_days} days until {day}, by {dimension.replace('_', ' ')}: "
        f"{_rate(growth)}, from {tokens(before)} to {tokens(after)}{state}"
    )
    summary = f"explain: {_rate(growth)} over {window_days} days until {day}, {len(steps)} steps, {len(events)} events"
    return Explained(
        _waterfall(title, steps, shown, dimension, daily),
        _events(events, since, day, citation, plurals[dimension] if has_models else ""),
        raw,
        summary + simulated_note(contract["is_simulated"]),
        citation,
    )


def _waterfall(
    title: str,
    steps: Sequence[dict[str, Any]],
    shown: Sequence[dict[str, Any]],
    dimension: str,
    daily: Mapping[str, Sequence[int | None]],
) -> Table:
    """Return the shown steps from the largest gain to the largest loss, the rest in one line, `other`, and the sum."""
    names = {row["entity"] for row in shown}
    rest = [row for row in steps if row["entity"] not in names and row["entity"] != "other"]
    unlisted = [row for row in steps if row["entity"] == "other"]
    lines = [(row["entity"], [row]) for row in sorted(shown, key=lambda row: -row["change_tokens"])]
    lines += [(f"{len(rest)} more", rest)] if rest else []
    lines += [("other (not listed)", unlisted)] if unlisted else []
    lines.append(("all", list(steps)))
    columns = [dimension, "before", "after", "change", "contribution", "listed growth", "growth of all of it"]
    note = (
        "Tokens are what is listed: what enters or leaves the list moves them. The bounds of the growth of all of it "
        "allow for what is not listed."
    )
    bars = [sparkline(_sum_by_day([daily[row["entity"]] for row in rows])) for _, rows in lines]
    return Table(title, columns, [_step(name, rows) for name, rows in lines], note, bars)


def _sum_by_day(series: Sequence[Sequence[int | None]]) -> list[int | None]:
    """Return what is listed of several entities on each day; None where nothing is of any of them."""
    days = [[count for count in day if count is not None] for day in zip(*series, strict=True)]
    return [sum(day) if day else None for day in days]


def _step(name: str, rows: Sequence[dict[str, Any]]) -> list[Any]:
    before, after, change = (
        sum(row[key] for row in rows) for key in ("tokens_before", "tokens_after", "change_tokens")
    )
    return [
        name,
        tokens(before),
        tokens(after),
        signed_tokens(change),
        signed(sum(row["contribution_pp"] for row in rows), "pp"),
        listed := _listed_growth(before, after),
        # The whole is exact; of several steps together no bounds are known.
        listed if name == "all" else _bounds(rows[0]) if len(rows) == 1 else "-",
    ]


def _listed_growth(before: int, after: int) -> str:
    """Return growth of what is listed; what is not listed is not zero."""
    if before and after:
        return signed(100 * (after / before - 1))
    return "newly listed" if after else "no longer listed" if before else "-"


def _bounds(row: Mapping[str, Any]) -> str:
    """Return what is certain of a step's growth; nothing is where it may have been anything before, and is now."""
    low, high = row["growth_low_pct"], row["growth_high_pct"]
    if low is None:
        return "-"
    if high is None:
        return f"at least {signed(low)}"
    return signed(low) if high - low < 1e-6 else f"{signed(low)} to {signed(high)}"


def _rate(growth: float | None) -> str:
    return "from nothing" if growth is None else signed(growth)


def _events(events: Sequence[dict[str, Any]], since: date, day: date, note: str, of: str) -> Table:
    columns = ["date", "event", "model", "change", "7 days before", "7 days after", "what happened"]
    title = f"Events from {since} to {day}" + (f" of these {of}" if of else "")
    rows = [
        [
            row["date"],
            row["what"],
            row["entity"],
            signed_tokens(row["change_tokens"]) if row["change_tokens"] is not None else "-",
            *(
                tokens(row[name]) if row[name] is not None else "not loaded"
                for name in ("tokens_7d_before", "tokens_7d_after")
            ),
            row["detail"],
        ]
        for row in events
    ]
    return Table(title if rows else f"{title}: none", columns, rows, note)


@dataclass(frozen=True)
class Ledger:
    """The claims and what the data say of each."""

    rows: list[dict[str, Any]]
    title: str
    note: str
    summary: str
    citation: str

    def render(self, form: Format, width: int | None = None) -> str:
        """Return the ledger: on a screen of `width` columns a paragraph a claim, because findings are sentences."""
        if form is Format.TABLE:
            room = min(width or LEDGER_WIDTH, LEDGER_WIDTH)
            return "\n\n".join([self.title, *(_paragraph(row, room) for row in self.rows), self.note])
        if form is Format.MARKDOWN:
            columns = ["claim", "grade", "verdict", "what the data say", "rule", "as of"]
            cells = [
                [
                    f"{row['claim_id']}. {row['claim']}",
                    row["grade"],
                    row["verdict"],
                    row["finding"],
                    row["rule"],
                    row["as_of_date"] or "-",
                ]
                for row in self.rows
            ]
            return Table(self.title, columns, cells, self.note).render(form)
        return Table("", list(self.rows[0]), [list(row.values()) for row in self.rows]).render(form)


def claims(settings: Settings) -> Ledger:
    """Return the ledger of growth-driver claims, in the order of their numbers."""
    with published(settings) as connection:
        contract = rows_of(connection, "select * from contract")[0]
        rows = rows_of(connection, "from rpt_driver_claims order by claim_id")
    is_simulated = contract["is_simulated"]
    title = simulated_title(is_simulated) + "What the data say of each claim about what drives token growth"
    counts = {
        verdict: sum(row["verdict"] == verdict for row in rows) for verdict in dict.fromkeys(r["verdict"] for r in rows)
    }
    citation = cited(contract)
    note = "Grades: A exact from public data, B an estimate or a proxy, C not public. " + citation
    summary = "claims: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return Ledger(
        [row | {"is_simulated": is_simulated} for row in rows],
        title,
        note,
        summary + simulated_note(is_simulated),
        citation,
    )


def _paragraph(row: dict[str, Any], width: int) -> str:
    def indented(text: str) -> str:
        return textwrap.fill(
            text, width, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False, break_long_words=False
        )

    state = " (provisional)" if row["is_provisional"] else ""
    as_of = f", as of {row['as_of_date']}{state}" if row["as_of_date"] else ""
    verdict = f"{row['verdict']}, grade {row['grade']}{as_of}"
    finding, rule = indented(clean(row["finding"])), indented(f"Rule: {row['rule']}")
    return f"{row['claim_id']:<4}{row['claim']}\n    {verdict}\n{finding}\n{rule}"
