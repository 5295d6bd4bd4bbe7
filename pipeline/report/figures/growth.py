"""How fast use grows: all tokens day by day, and trends with their intervals."""

from __future__ import annotations

from datetime import date

from pipeline.rendering import signed, tokens
from pipeline.report import charts
from pipeline.report.figures.base import Figure, Read, Rows, doubling, or_dash, over_days, star, state, times


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
    if len(means) > 1 and means[0]["mean_7d_tokens"]:
        finding += (
            f"; the seven-day mean is {tokens(means[-1]['mean_7d_tokens'])}, "
            f"{times(means[-1]['mean_7d_tokens'], means[0]['mean_7d_tokens'])} that of {means[0]['date']}"
        )
    place_numbers(events, *charts.domain(rows))
    return Figure(
        "total",
        "All tokens, day by day",
        f"{finding}.",
        "Dots are days, the line is the mean of the seven days until each. An open dot is provisional: OpenRouter may "
        "restate that day."
        + (
            " Numbered are the events with the greatest part in all tokens at their time, one a model:"
            if events
            else ""
        ),
        ("date", "tokens", "seven-day mean", "growth over 7 days", "state"),
        [
            (
                row["date"],
                tokens(row["total_tokens"]),
                or_dash(tokens, row["mean_7d_tokens"]),
                or_dash(signed, row["growth_7d_pct"]),
                state(row),
            )
            for row in reversed(rows)
        ],
        *over_days(
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
        is_provisional=bool(newest["is_provisional"]),
        numbered=[f"{event['date']} {event['kind'].replace('_', ' ')}, {event['model_permaslug']}" for event in events],
        queries=("total", "events"),
    )


# Numbers of events nearer than this part of the time axis would overlap, and are set one below the other.
NEAR_RATIO, NUMBER_PX = 0.07, 15


def place_numbers(events: Rows, first: date, last: date) -> None:
    """Set how far below the top, in px, each event's number stands, so that those of near days do not overlap."""
    for n, event in enumerate(events):
        near = events[n - 1] if n else None
        is_near = near is not None and (event["date"] - near["date"]).days < NEAR_RATIO * (last - first).days
        event["top_px"] = (near["top_px"] + NUMBER_PX) % (3 * NUMBER_PX) if near and is_near else 0


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
            "name": (f"all tokens, {row['days']} days" if row["dimension"] == "total" else row["entity"]) + star(row),
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
        "A trend is a line through the days of a span, not the end against the start. Points are growth a week, bars "
        "the interval, which allows for models that are not listed and aims at 95 %; a bar that leaves the picture is "
        "longer than drawn. Organisations: over 28 days. A star marks an interval that covers less, because a day is "
        "like the one before, and less than a year cannot tell how much.",
        ("of", "days", "growth a week", "interval", "doubling time"),
        [
            (
                "all tokens" if row["dimension"] == "total" else row["entity"],
                row["days"],
                signed(row["growth_per_week_pct"]),
                f"{signed(row['growth_per_week_low_pct'])} to {signed(row['growth_per_week_high_pct'])}" + star(row),
                doubling(row),
            )
            for row in rows
        ],
        None
        if not points
        else lambda colours, width: charts.intervals(
            [point | {"colour": colours["ink" if point["is_total"] else "series-1"]} for point in points],
            colours,
            width,
            title="growth a week, %",
        ),
        is_provisional=bool(rows[0]["is_provisional"]),
        queries=("trends",),
    )
