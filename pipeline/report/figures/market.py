"""The market: how concentrated it is, and what tokens cost."""

from __future__ import annotations

from datetime import date

from pipeline.report import charts
from pipeline.report.figures.base import NONE, Figure, Read, between, or_dash, over_days, usd


def concentration(read: Read) -> Figure:
    """Effective numbers of models and authors over time."""
    rows = read("concentration")
    newest = {row["dimension"]: row for row in rows}
    words = {
        dimension: between(f"{row['effective_number_low']:.1f}", f"{row['effective_number_high']:.1f}")
        for dimension, row in newest.items()
    }
    by_day: dict[date, dict[str, str]] = {}
    for row in rows:
        low, high = row["effective_number_low"], row["effective_number_high"]
        by_day.setdefault(row["date"], {})[row["dimension"]] = between(f"{low:.1f}", f"{high:.1f}")
    return Figure(
        "concentration",
        "How concentrated use is",
        f"Use is as concentrated as if {words['model']} models, or {words['author']} authors, had equal parts.",
        "The inverse of the Herfindahl index. A band lies between the least and the most that models below rank 50 "
        "allow for.",
        ("date", "effective number of models", "effective number of authors"),
        [(day, cells.get("model", NONE), cells.get("author", NONE)) for day, cells in sorted(by_day.items())[::-1]],
        *over_days(
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
    unit_value = or_dash(lambda value: f"{value:.1f}", newest["unit_value_index"])
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
        f"what a token costs on average, which the choice of models moves too, at {unit_value}.",
        "Chained daily from list prices: a new model enters with its second day.",
        ("date", *INDEXES.values(), "tokens with a price"),
        [
            (
                row["date"],
                *(or_dash(lambda value: f"{value:.2f}", row[column]) for column in INDEXES),
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
    name, title = "spend", "What tokens with a known price cost"
    if not rows or not rows[-1]["spend_high_usd"]:
        return Figure(name, title, "No price of a paid model of the newest day is known.", queries=(name,))
    newest = rows[-1]
    assumed = [row["date"] for row in rows if row["is_price_assumed"]]
    return Figure(
        name,
        title,
        f"The {newest['priced_pct']:.0f} % of the tokens of {newest['date']} whose price is known cost "
        f"{usd(newest['spend_low_usd'])} to {usd(newest['spend_high_usd'])} at list prices, "
        f"{usd(newest['spend_mid_usd'])} by the usual mix of prompts, answers and cached prompts.",
        "The source does not part prompts from answers: the band lies between the cheapest and the dearest reading. "
        f"What has no known price is not in the sum: on {rows[0]['date']} {100 - rows[0]['priced_pct']:.0f} % of the "
        f"tokens, on {newest['date']} {100 - newest['priced_pct']:.0f} %. "
        + (
            f"Until {assumed[-1]} prices are assumed to be those of the first catalogue that was read."
            if assumed
            else ""
        ),
        ("date", "least", "by the usual mix", "most", "tokens with a price", "prices"),
        [
            (
                row["date"],
                *(usd(row[f"spend_{bound}_usd"]) for bound in ("low", "mid", "high")),
                f"{row['priced_pct']:.1f} %",
                "assumed" if row["is_price_assumed"] else "of the day",
            )
            for row in reversed(rows)
        ],
        *over_days(
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
        "model",
        bool(newest["is_provisional"]),
        is_estimate=True,
        queries=(name,),
    )
