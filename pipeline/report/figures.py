"""What the report says: each figure reads the published file by one query and turns its rows into words, a table and
a chart. Nothing here draws: a figure's `draw` gives a Vega-Lite specification in the colours and the width asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.reading import PRETTY, growth
from pipeline.rendering import clean, signed, tokens
from pipeline.report import charts
from pipeline.report.drawing import Colours
from pipeline.warehouse import rows_of

if TYPE_CHECKING:
    import duckdb

QUERIES = Path(__file__).parent / "queries"
Rows = list[dict[str, Any]]
Draw = Callable[[Colours, int], dict[str, Any]]
# Gives the rows of one of the report's queries by its name.
Read = Callable[[str], Rows]
NONE = "\N{EN DASH}"
# Numbers of events nearer than this part of the time axis would overlap, and are set one below the other.
NEAR_RATIO, NUMBER_PX = 0.05, 15
NO_DIRECTION = "no certain direction"


@dataclass(frozen=True)
class Sparkline:
    """A table cell that is drawn: tokens of each day, None where not listed."""

    values: Sequence[int | None]


@dataclass(frozen=True)
class Figure:
    """One figure of the report: what it finds in a sentence, how to read it, its numbers and, mostly, its chart."""

    name: str
    title: str
    finding: str
    note: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    draw: Draw | None = None
    # The dates at both ends of the chart's time axis, where it has one.
    reach: tuple[date, date] | None = None
    dimension: str = "total"
    is_provisional: bool = False
    is_estimate: bool = False
    # Numbers that are worth as much as the chart stand open; those of a chart are folded.
    is_table: bool = False
    # What is numbered in the chart.
    numbered: Sequence[str] = ()
    queries: Sequence[str] = field(default_factory=tuple)

    @property
    def marts(self) -> list[str]:
        """Tables of the published file that the figure is drawn from."""
        return sorted({mart for name in self.queries for mart in re.findall(r"marts\.(\w+)", query(name))})


def query(name: str) -> str:
    """Return the text of one of the report's queries."""
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Reader:
    """Runs the report's queries on the published file; text from outside comes back without what shows nothing."""

    connection: duckdb.DuckDBPyConnection

    def __call__(self, name: str) -> Rows:
        """Return the rows of a query by its name."""
        return [
            {key: clean(value) if isinstance(value, str) else value for key, value in row.items()}
            for row in rows_of(self.connection, query(name))
        ]


def total(read: Read) -> Figure:
    """All tokens of each day, with their seven-day mean and the events that moved most."""
    rows, events = read("total"), read("events")
    events = [
        event | {"number": str(n)}
        for n, event in enumerate(sorted(events, key=lambda event: event["date"]), start=1)
        if rows[0]["date"] <= event["date"] <= rows[-1]["date"]
    ]
    newest = rows[-1]
    finding = f"{tokens(newest['total_tokens'])} tokens on {newest['date']}"
    means = [row for row in rows if row["mean_7d_tokens"] is not None]
    if len(means) > 1:
        finding += (
            f"; the seven-day mean is {tokens(means[-1]['mean_7d_tokens'])}, "
            f"{_times(means[-1]['mean_7d_tokens'], means[0]['mean_7d_tokens'])} that of {means[0]['date']}"
        )
    place_numbers(events, *charts.domain(rows))
    return Figure(
        "total",
        "All tokens, day by day",
        f"{finding}.",
        "Dots are days, the line is the mean of the seven days until each. The newest days are provisional: OpenRouter "
        "restates them by up to 2.4 % within a day."
        + (" Numbered are the events with the greatest part in all tokens at their time:" if events else ""),
        ("date", "tokens", "seven-day mean", "growth over 7 days", "state"),
        [
            (
                row["date"],
                tokens(row["total_tokens"]),
                _or(tokens, row["mean_7d_tokens"]),
                _or(signed, row["growth_7d_pct"]),
                _state(row),
            )
            for row in reversed(rows)
        ],
        _if_days(
            rows,
            lambda colours, width: charts.lines(
                rows,
                colours,
                width,
                line="mean_7d_tokens",
                dots="total_tokens",
                title="tokens a day",
                events=events,
            ),
        ),
        charts.domain(rows),
        is_provisional=bool(newest["is_provisional"]),
        numbered=[f"{event['date']} {event['kind'].replace('_', ' ')}, {event['model_permaslug']}" for event in events],
        queries=("total", "events"),
    )


def trends(read: Read) -> Figure:
    """Growth a week of the total and of organisations, with intervals."""
    rows = read("trends")
    name, title = "trends", "How fast use grows, and how sure that is"
    if not rows:
        return Figure(
            name,
            title,
            "There is no trend yet: it takes 28 loaded days in a row and the extra `stats`.",
            queries=("trends",),
        )
    whole = [row for row in rows if row["dimension"] == "total"]
    points = [
        {
            "name": f"all tokens, {row['days']} days" if row["dimension"] == "total" else row["entity"],
            "low": row["growth_per_week_low_pct"],
            "point": row["growth_per_week_pct"],
            "high": row["growth_per_week_high_pct"],
            "is_total": row["dimension"] == "total",
        }
        for row in rows
        if row["growth_per_week_low_pct"] is not None
    ]
    return Figure(
        name,
        title,
        " ".join(f"Over {row['days']} days: {doubling(row)}." for row in whole),
        "Points are growth a week, bars the 95 % interval: what is certain of models that are not listed, and the "
        "uncertainty of the fit; a bar that leaves the picture is longer than drawn. Organisations: over 28 days. A "
        "star marks an interval that covers less than 95 %, because the days hold together too much.",
        ("of", "days", "growth a week", "95 % interval", "doubling time"),
        [
            (
                "all tokens" if row["dimension"] == "total" else row["entity"],
                row["days"],
                signed(row["growth_per_week_pct"]),
                f"{signed(row['growth_per_week_low_pct'])} to {signed(row['growth_per_week_high_pct'])}"
                + ("*" if row["is_interval_narrow"] else ""),
                doubling(row),
            )
            for row in rows
        ],
        lambda colours, width: charts.intervals(
            [point | {"colour": colours["ink" if point["is_total"] else "series-1"]} for point in points],
            colours,
            width,
            title="growth a week, %",
        ),
        is_provisional=bool(rows[0]["is_provisional"]),
        queries=("trends",),
    )


def shares(read: Read) -> Figure:
    """Shares of organisations over time."""
    rows = read("shares")
    newest = [row for row in rows if row["date"] == rows[-1]["date"]]
    first = next(row for row in newest if row["position"] == 1)
    names = list(dict.fromkeys(row["organisation"] for row in sorted(rows, key=lambda row: row["position"])))
    fills = dict(zip(names, _series(names, "other organisations"), strict=True))
    return Figure(
        "shares",
        "Who has which share",
        f"{first['organisation']} has {first['share_pct']:.1f} % of the tokens of {first['date']}; "
        f"{newest[-1]['share_pct']:.1f} % go to models below rank 50, whose makers the source does not name.",
        "An organisation is who is behind one or more namespaces of models. Shares of listed models: what is not "
        "listed may belong to anyone, so a share is a lower bound.",
        ("date", *names),
        _pivot(rows, "organisation", names),
        _if_days(
            rows,
            lambda colours, width: charts.stacked_shares(
                rows, colours, width, group="organisation", fills=fills, title="share of tokens, %"
            ),
        ),
        charts.domain(rows),
        "organisation",
        queries=("shares",),
    )


def waterfall(read: Read) -> Figure:
    """Where the growth of 28 days came from."""
    rows = read("waterfall")
    name, title = "waterfall", "Where the growth of 28 days came from"
    if not rows:
        return Figure(name, title, "There is no explanation yet: it takes 56 loaded days in a row.", queries=(name,))
    before, after = (sum(row[key] for row in rows) for key in ("tokens_before", "tokens_after"))
    steps: Rows = []
    level = 0.0
    for row in rows:
        steps.append(
            {
                "name": row["organisation"],
                "start": level,
                "end": level + row["contribution_pp"],
                "words": signed(row["contribution_pp"], "pp"),
                "is_gain": row["contribution_pp"] >= 0,
            }
        )
        level += row["contribution_pp"]
    steps.append({"name": "all tokens", "start": 0.0, "end": level, "words": signed(level), "is_gain": None})
    most = max(rows, key=lambda row: row["contribution_pp"])

    def draw(colours: Colours, width: int) -> dict[str, Any]:
        painted = [
            step | {"colour": colours["rest" if step["is_gain"] is None else "gain" if step["is_gain"] else "loss"]}
            for step in steps
        ]
        return charts.waterfall(painted, colours, width, title="percentage points of growth")

    return Figure(
        name,
        title,
        f"All tokens grew by {signed(level)} from {tokens(before)} to {tokens(after)} over the 28 days until "
        f"{rows[0]['date']}; {most['organisation']} added {signed(most['contribution_pp'], 'pp')} of it.",
        "Contributions add up to the growth of all tokens. They are those of listed models: what enters or leaves the "
        "list moves them.",
        ("organisation", "28 days before", "28 days", "change", "contribution"),
        [
            (
                row["organisation"],
                tokens(row["tokens_before"]),
                tokens(row["tokens_after"]),
                _change(row["change_tokens"]),
                signed(row["contribution_pp"], "pp"),
            )
            for row in rows
        ],
        draw,
        dimension="organisation",
        is_provisional=any(row["is_provisional"] for row in rows),
        queries=(name,),
    )


def leaderboard(read: Read) -> Figure:
    """The largest models, with rank changes and their last 28 days."""
    rows = read("leaderboard")
    return Figure(
        "leaderboard",
        f"The largest models of {rows[0]['date']}",
        f"{rows[0]['entity']} leads with {rows[0]['share_pct']:.1f} % of all tokens.",
        "A change of rank is against seven days before. Growth between two bounds is that of a model that was not "
        "listed on some day of the two weeks. The line is the last 28 days, from zero, with gaps where the model was "
        "not listed.",
        ("rank", "change", "model", "tokens", "share", "growth over 7 days", "last 28 days"),
        [
            (
                row["rank"],
                _places(row["rank_change_7d"]),
                row["entity"],
                tokens(row["total_tokens"]),
                f"{row['share_pct']:.1f} %",
                growth(row, PRETTY),
                Sparkline(row["daily_tokens"]),
            )
            for row in rows
        ],
        dimension="model",
        is_provisional=bool(rows[0]["is_provisional"]),
        is_table=True,
        queries=("leaderboard",),
    )


PARTS = {
    "new_pp": ("new", "series-3"),
    "resurrected_pp": ("back", "series-5"),
    "expansion_pp": ("expansion", "series-1"),
    "threshold_in_pp": ("into the top 50", "rest"),
    "tail_gain_pp": ("below rank 50", "unlisted"),
    "contraction_pp": ("contraction", "series-2"),
    "churned_pp": ("gone", "series-6"),
    "threshold_out_pp": ("out of the top 50", "rest"),
    "tail_loss_pp": ("below rank 50", "unlisted"),
}


def accounting(read: Read) -> Figure:
    """Of what the growth of models consists, week by week."""
    rows = read("accounting")
    name, title = "accounting", "Of what growth consists, week by week"
    if not rows:
        return Figure(name, title, "There is no accounting yet: it takes 14 loaded days in a row.", queries=(name,))
    newest = rows[-1]
    return Figure(
        name,
        title,
        f"In the week until {newest['date']} all tokens grew by {signed(newest['growth_pct'])}: models that were there "
        f"before added {signed(newest['expansion_pp'], 'pp')} and lost {signed(newest['contraction_pp'], 'pp')}, new "
        f"ones added {signed(newest['new_pp'], 'pp')}.",
        "Parts are in percent of the tokens of the week before; the dot is their sum, the growth. Who crosses rank 50 "
        "may have been there before: that is neither new nor gone.",
        ("week until", "growth", *dict.fromkeys(f"{word} {sign}" for word, sign in _signed_parts()), "quick ratio"),
        [
            (
                row["date"],
                signed(row["growth_pct"]),
                *(signed(row[part], "pp") for part in PARTS),
                _or(lambda ratio: f"{ratio:.1f}", row["quick_ratio"]),
            )
            for row in reversed(rows)
        ],
        lambda colours, width: charts.stacked_parts(
            rows, colours, width, parts=PARTS, total="growth_pct", title="% of the week before"
        ),
        charts.domain(rows, margin_days=4),
        "model",
        bool(newest["is_provisional"]),
        queries=(name,),
    )


def _signed_parts() -> list[tuple[str, str]]:
    return [(word, "gain" if name.endswith(("_in_pp", "_gain_pp")) else "") for name, (word, _) in PARTS.items()]


PRICE_CLASSES = {
    "paid": "series-1",
    "price zero": "series-5",
    "free variant": "series-3",
    "no catalogue": "rest",
    "not listed": "unlisted",
}


def free_and_paid(read: Read) -> Figure:
    """Shares by price class over time."""
    rows = read("free_and_paid")
    newest = {row["price_class"]: row["share_pct"] for row in rows if row["date"] == rows[-1]["date"]}
    free = newest.get("free variant", 0.0) + newest.get("price zero", 0.0)
    return Figure(
        "free-and-paid",
        "Free and paid",
        f"{free:.1f} % of the tokens of {rows[-1]['date']} were free, {newest.get('paid', 0.0):.1f} % were paid for.",
        "A class is that of the model's newest catalogue entry. No catalogue: the model had left it before this "
        "pipeline read one, so nobody can tell its price.",
        ("date", *PRICE_CLASSES),
        _pivot(rows, "price_class", PRICE_CLASSES),
        _if_days(
            rows,
            lambda colours, width: charts.stacked_shares(
                rows, colours, width, group="price_class", fills=PRICE_CLASSES, title="share of tokens, %"
            ),
        ),
        charts.domain(rows),
        "price_class",
        queries=("free_and_paid",),
    )


CONTEXT_BUCKETS = {"1K": "series-5", "10K": "series-3", "100K": "series-1", "1M": "series-6", "10M": "series-2"}


def contexts(read: Read) -> Figure:
    """Shares by the length of the request over time."""
    rows = read("contexts")
    name, title = "contexts", "How long requests are"
    if not rows:
        return Figure(name, title, "No context lengths are loaded.", dimension="context_bucket", queries=(name,))
    newest = {row["context_bucket"]: row["share_pct"] for row in rows if row["date"] == rows[-1]["date"]}
    long = sum(share for bucket, share in newest.items() if bucket in ("1M", "10M"))
    return Figure(
        name,
        title,
        f"{long:.1f} % of the tokens of {rows[-1]['date']} belong to requests of the 1M and 10M buckets.",
        "A bucket is OpenRouter's class of a request by its length in tokens. These figures are exact.",
        ("date", *CONTEXT_BUCKETS),
        _pivot(rows, "context_bucket", CONTEXT_BUCKETS),
        _if_days(
            rows,
            lambda colours, width: charts.stacked_shares(
                rows, colours, width, group="context_bucket", fills=CONTEXT_BUCKETS, title="share of tokens, %"
            ),
        ),
        charts.domain(rows),
        "context_bucket",
        queries=(name,),
    )


def apps(read: Read) -> Figure:
    """The largest apps."""
    rows = read("apps")
    name, title = "apps", "The largest apps"
    if not rows:
        return Figure(name, title, "No apps are loaded.", dimension="app", queries=(name,))
    drawn = [
        {
            "app": f"{row['rank']}. {row['app_name']}",
            "total_tokens": row["total_tokens"],
            "words": f"{tokens(row['total_tokens'])}, {row['share_pct']:.1f} %",
        }
        for row in rows
    ]
    top = sum(row["share_pct"] for row in rows)
    return Figure(
        name,
        title,
        f"The {len(rows)} largest apps that show themselves have {top:.1f} % of all tokens of {rows[0]['date']}.",
        "Apps name themselves and may hide: the list is no census. Tokens of a request tell agents from chats.",
        ("rank", "app", "tokens", "share", "requests", "tokens of a request"),
        [
            (
                row["rank"],
                row["app_name"],
                tokens(row["total_tokens"]),
                f"{row['share_pct']:.1f} %",
                tokens(row["total_requests"]),
                tokens(row["tokens_per_request"]),
            )
            for row in rows
        ],
        lambda colours, width: charts.bars(
            drawn, colours, width, name="app", value="total_tokens", words="words", title="tokens of the day"
        ),
        dimension="app",
        is_provisional=bool(rows[0]["is_provisional"]),
        queries=(name,),
    )


def requests(read: Read) -> Figure:
    """Tokens of a request over time."""
    rows = read("requests")
    name, title = "requests", "Tokens of a request"
    if not rows:
        return Figure(name, title, "No apps are loaded.", dimension="app", queries=(name,))
    first, newest = rows[0], rows[-1]
    return Figure(
        name,
        title,
        f"A request of a listed app takes {tokens(newest['tokens_per_request'])} tokens on {newest['date']}, "
        f"{_times(newest['tokens_per_request'], first['tokens_per_request'])} the "
        f"{tokens(first['tokens_per_request'])} of {first['date']}.",
        "All listed apps together, prompt and answer: who enters or leaves the list moves it. "
        "The table fct_app_decomposition parts longer requests from other apps.",
        ("date", "tokens of a request", "tokens", "requests", "apps", "state"),
        [
            (
                row["date"],
                tokens(row["tokens_per_request"]),
                tokens(row["total_tokens"]),
                tokens(row["total_requests"]),
                row["apps"],
                _state(row),
            )
            for row in reversed(rows)
        ],
        _if_days(
            rows,
            lambda colours, width: charts.lines(
                rows, colours, width, line="tokens_per_request", title="tokens of a request"
            ),
        ),
        charts.domain(rows),
        "app",
        bool(newest["is_provisional"]),
        queries=(name,),
    )


def concentration(read: Read) -> Figure:
    """Effective numbers of models and authors over time."""
    rows = read("concentration")
    newest = {row["dimension"]: row for row in rows}
    words = {
        dimension: _between(f"{row['effective_number_low']:.1f}", f"{row['effective_number_high']:.1f}")
        for dimension, row in newest.items()
    }
    by_day: dict[date, dict[str, str]] = {}
    for row in rows:
        low, high = row["effective_number_low"], row["effective_number_high"]
        by_day.setdefault(row["date"], {})[row["dimension"]] = _between(f"{low:.1f}", f"{high:.1f}")
    return Figure(
        "concentration",
        "How concentrated use is",
        f"Use is as concentrated as if {words['model']} models, or {words['author']} authors, had equal parts.",
        "The inverse of the Herfindahl index. A band lies between the least and the most that models below rank 50 "
        "allow for.",
        ("date", "effective number of models", "effective number of authors"),
        [(day, cells.get("model", NONE), cells.get("author", NONE)) for day, cells in sorted(by_day.items())[::-1]],
        _if_days(
            rows,
            lambda colours, width: charts.bands(
                [row | {"of": f"{row['dimension']}s"} for row in sorted(rows, key=lambda row: row["dimension"])[::-1]],
                colours,
                width,
                group="of",
                low="effective_number_low",
                high="effective_number_high",
                title="effective number",
            ),
        ),
        charts.domain(rows),
        "model",
        any(row["is_provisional"] for row in newest.values()),
        queries=("concentration",),
    )


INDEXES = {"fisher_index": "Fisher", "tornqvist_index": "Törnqvist", "unit_value_index": "unit value"}


def price_index(read: Read) -> Figure:
    """Price indexes over time."""
    rows = read("price_index")
    name, title = "price-index", "What tokens cost: price indexes"
    if len(rows) < 2:
        since = f" The first is of {rows[0]['date']}." if rows else ""
        return Figure(
            name,
            title,
            f"There is no index yet: it compares prices of one catalogue with those of a later one.{since}",
            "A catalogue is read each day from the first run on; OpenRouter publishes no past one.",
            queries=("price_index",),
        )
    newest = rows[-1]
    melted = [
        {"date": row["date"], "index": words, "value": row[column]}
        for column, words in INDEXES.items()
        for row in rows
        if row[column] is not None
    ]
    return Figure(
        name,
        title,
        f"Prices of matched models stand at {newest['fisher_index']:.1f} (Fisher), {rows[0]['base_date']} being 100; "
        f"what a token costs on average, which the choice of models moves too, at {newest['unit_value_index']:.1f}.",
        "Chained daily from list prices: a new model enters with its second day.",
        ("date", *INDEXES.values(), "tokens with a price"),
        [
            (
                row["date"],
                *(_or(lambda value: f"{value:.2f}", row[column]) for column in INDEXES),
                f"{row['priced_pct']:.1f} %",
            )
            for row in reversed(rows)
        ],
        lambda colours, width: charts.several_lines(
            melted, colours, width, group="index", value="value", title=f"{rows[0]['base_date']} = 100"
        ),
        charts.domain(rows),
        is_provisional=bool(newest["is_provisional"]),
        queries=("price_index",),
    )


def spend(read: Read) -> Figure:
    """What the tokens of a day cost, between bounds."""
    rows = read("spend")
    name, title = "spend", "What the tokens of a day cost"
    if not rows:
        return Figure(name, title, "No prices are loaded.", queries=(name,))
    newest = rows[-1]
    assumed = [row["date"] for row in rows if row["is_price_assumed"]]
    return Figure(
        name,
        title,
        f"The tokens of {newest['date']} cost {_usd(newest['spend_low_usd'])} to {_usd(newest['spend_high_usd'])} at "
        f"list prices, {_usd(newest['spend_mid_usd'])} by the usual mix of prompts, answers and cached prompts; "
        f"{newest['priced_pct']:.0f} % of tokens have a known price.",
        "The source does not part prompts from answers, so the band is wide. "
        + (
            f"Until {assumed[-1]} prices are assumed to be those of the first catalogue that was read."
            if assumed
            else ""
        ),
        ("date", "least", "by the usual mix", "most", "tokens with a price", "prices"),
        [
            (
                row["date"],
                *(_usd(row[f"spend_{bound}_usd"]) for bound in ("low", "mid", "high")),
                f"{row['priced_pct']:.1f} %",
                "assumed" if row["is_price_assumed"] else "of the day",
            )
            for row in reversed(rows)
        ],
        _if_days(
            rows,
            lambda colours, width: charts.lines(
                rows,
                colours,
                width,
                line="spend_mid_usd",
                band=("spend_low_usd", "spend_high_usd"),
                title="US dollars a day",
            ),
        ),
        charts.domain(rows),
        "model",
        bool(newest["is_provisional"]),
        is_estimate=True,
        queries=(name,),
    )


def claims(read: Read) -> Figure:
    """The ledger of claims."""
    rows = read("claims")
    verdicts = dict.fromkeys(row["verdict"] for row in rows)
    counted = ", ".join(f"{sum(row['verdict'] == verdict for row in rows)} {verdict}" for verdict in verdicts)
    return Figure(
        "claims",
        "What is said to drive growth, and what the data say",
        f"Of {len(rows)} claims: {counted}.",
        "Grades: A exact from public data, B an estimate or a proxy, C not public. A verdict follows a rule that stood "
        "before the figure.",
        ("claim", "verdict", "what the data say", "as of"),
        [
            (
                f"{row['claim_id']}. {row['claim']}",
                f"{row['verdict']}, grade {row['grade']}",
                f"{row['finding']} Rule: {row['rule']}",
                row["as_of_date"] or NONE,
            )
            for row in rows
        ],
        is_provisional=any(row["is_provisional"] for row in rows),
        is_table=True,
        queries=("claims",),
    )


STATES = {
    "loaded": "gain",
    "not yet published": "series-5",
    "missing": "loss",
    "lost": "ink",
    "before floor": "unlisted",
}


def coverage(read: Read) -> Figure:
    """What is held of each source, week by week."""
    rows = read("coverage")
    sources = dict.fromkeys(row["source"] for row in rows)
    counted = {
        source: (
            sum(row["loaded_dates"] for row in rows if row["source"] == source),
            sum(row["dates"] for row in rows if row["source"] == source and row["state"] != "before floor"),
        )
        for source in sources
    }
    complete = sum(loaded >= dates for loaded, dates in counted.values())
    return Figure(
        "coverage",
        "What is held of each source",
        f"{complete} of {len(sources)} sources are held without a gap.",
        "A week has the state of its worst day. What is missing can still be had by `tokengrowth backfill`; what is "
        "lost was public for a time and was not read.",
        ("source", "dates held", "dates that there are", "state of the newest week"),
        [
            (source, loaded, dates, [row["state"] for row in rows if row["source"] == source][-1])
            for source, (loaded, dates) in counted.items()
        ],
        lambda colours, width: charts.states(rows, colours, width, row="source", state="state", fills=STATES),
        queries=("coverage",),
    )


def health(read: Read) -> Figure:
    """How fresh each source is."""
    rows = read("health")
    unwell = [row["source"] for row in rows if row["verdict"] != "ok"]
    return Figure(
        "health",
        "How fresh each source is",
        f"Not well: {', '.join(unwell)}." if unwell else f"All {len(rows)} sources are well.",
        "Volume is the rows of the newest answer against the usual number.",
        ("source", "verdict", "newest date", "due", "freshness", "volume", "warning"),
        [
            (
                row["source"],
                row["verdict"],
                row["newest_date"] or NONE,
                row["due_date"] or NONE,
                row["freshness"] or NONE,
                _or(lambda ratio: f"{100 * ratio:.0f} %", row["volume_ratio"]),
                row["warning"] or NONE,
            )
            for row in rows
        ],
        is_table=True,
        queries=("health",),
    )


def reconciliation(read: Read) -> Figure:
    """How independent figures agree."""
    rows = read("reconciliation")
    differing = sum(row["compared"] for row in rows if row["verdict"] == "differs")
    return Figure(
        "reconciliation",
        "Whether independent figures agree",
        f"{sum(row['compared'] for row in rows if row['verdict'] == 'agrees'):,} comparisons agree within their "
        f"tolerance, {differing:,} differ.",
        "The same quantity from two places, such as context buckets against the day's total.",
        ("what is compared", "verdict", "comparisons", "largest difference"),
        [
            (
                row["comparison"],
                row["verdict"],
                row["compared"],
                _or(lambda pct: f"{pct:.2f} %", row["largest_difference_pct"]),
            )
            for row in rows
        ],
        is_table=True,
        queries=("reconciliation",),
    )


def restated(read: Read) -> Figure:
    """What later answers changed."""
    rows = read("restated")
    return Figure(
        "restated",
        "What was restated",
        f"The largest restatement held is {rows[0]['change_pct']:+.4f} % of {rows[0]['model_permaslug']} on "
        f"{rows[0]['date']}."
        if rows
        else "No figure that was read again had changed.",
        "Every vintage of a day is kept; the tables above show the newest.",
        ("date", "model", "vintages", "first said", "last said", "change"),
        [
            (
                row["date"],
                row["model_permaslug"],
                row["vintages"],
                tokens(row["first_tokens"]),
                tokens(row["last_tokens"]),
                f"{row['change_pct']:+.4f} %",
            )
            for row in rows
        ],
        is_table=True,
        queries=("restated",),
    )


def unmatched(read: Read) -> Figure:
    """Models that no catalogue knows."""
    rows = read("unmatched")
    part = sum(row["share_pct"] for row in rows)
    return Figure(
        "unmatched",
        "Models that no catalogue knows",
        f"{len(rows)} of the ranked models of {rows[0]['date']}, with {part:.1f} % of all tokens, are in no catalogue "
        "that was read: their price, age and context are unknown."
        if rows
        else "Every ranked model of the newest day is in a catalogue.",
        "",
        ("model", "tokens", "share"),
        [(row["model_permaslug"], tokens(row["total_tokens"]), f"{row['share_pct']:.1f} %") for row in rows],
        is_table=True,
        queries=("unmatched",),
    )


@dataclass(frozen=True)
class Section:
    """Figures that answer one question."""

    name: str
    title: str
    figures: Sequence[Callable[[Read], Figure]]


SECTIONS = (
    Section("growth", "How fast", (total, trends)),
    Section("origin", "Where from", (shares, waterfall, leaderboard, accounting)),
    Section("kind", "What kind", (free_and_paid, contexts, apps, requests)),
    Section("market", "The market", (concentration, price_index, spend)),
    Section("drivers", "What drives it", (claims,)),
    Section("trust", "How far to trust it", (coverage, health, reconciliation, restated, unmatched)),
)


def place_numbers(events: Rows, first: date, last: date) -> None:
    """Set how far below the top, in px, each event's number stands, so that those of near days do not overlap."""
    for n, event in enumerate(events):
        near = events[n - 1] if n else None
        is_near = near is not None and (event["date"] - near["date"]).days < NEAR_RATIO * (last - first).days
        event["top_px"] = (near["top_px"] + NUMBER_PX) % (3 * NUMBER_PX) if near and is_near else 0


def doubling(row: Mapping[str, Any]) -> str:
    """Return a trend in words: the doubling time with its interval, or that there is none."""
    if row["verdict"] == "doubling":
        low, high = row["doubling_time_low_days"], row["doubling_time_high_days"]
        return f"doubles every {row['doubling_time_days']:,.0f} days (95 %: {low:,.0f} to {high:,.0f})"
    return "halves" if row["verdict"] == "halving" else NO_DIRECTION


def _if_days(rows: Rows, draw: Draw) -> Draw | None:
    """Return a drawing over days; None where there is one day only, which makes no line."""
    first, last = charts.domain(rows)
    return draw if first < last else None


def _series(names: Sequence[str], rest: str) -> list[str]:
    """Return a colour for each name, of the series in their order; the others and what is not listed have their own."""
    fixed = {rest: "rest", "not listed": "unlisted"}
    free = iter(f"series-{n}" for n in range(1, 7))
    return [fixed.get(name) or next(free) for name in names]


def _pivot(rows: Rows, group: str, names: Any) -> list[tuple[Any, ...]]:
    """Return a line a day, the newest first, with the share of each name."""
    days: dict[date, dict[str, float]] = {}
    for row in rows:
        days.setdefault(row["date"], {})[row[group]] = row["share_pct"]
    return [
        (day, *(_or(lambda share: f"{share:.1f} %", found.get(name)) for name in names))
        for day, found in sorted(days.items(), reverse=True)
    ]


def _or(words: Callable[[Any], str], value: Any) -> str:
    return NONE if value is None else words(value)


def _state(row: Mapping[str, Any]) -> str:
    return "provisional" if row["is_provisional"] else "settled"


def _places(change: int | None) -> str:
    if change is None:
        return "new"
    return f"{'▲' if change > 0 else '▼'} {abs(change)}" if change else "="


def _change(count: int) -> str:
    return f"{'-' if count < 0 else '+'}{tokens(abs(count))}"


def _times(after: float, before: float) -> str:
    ratio = after / before
    return f"{ratio:.{0 if ratio >= 10 else 1}f} times"


def _between(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _usd(value: float) -> str:
    if value >= 1e6:
        return f"${value / 1e6:.2f} M"
    return f"${value / 1e3:.0f} k" if value >= 1e4 else f"${value:,.0f}"
