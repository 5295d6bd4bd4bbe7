"""How far to trust it all: coverage, freshness, reconciliation, restatements, and models that no catalogue knows."""

from __future__ import annotations

from pipeline.rendering import tokens
from pipeline.report import charts
from pipeline.report.figures.base import NONE, Figure, Read, or_dash

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
            sum(row["dates"] for row in rows if row["source"] == source),
        )
        for source in sources
    }
    complete = sum(loaded >= dates for loaded, dates in counted.values())
    return Figure(
        "coverage",
        "What is held of each source",
        f"{complete} of {len(sources)} sources are held without a gap.",
        "A week has the state of its worst day. What is missing can still be had by tokengrowth backfill; what is "
        "lost was public for a time and was not read.",
        ("source", "dates held", "dates that there are", "state of the newest week"),
        [
            (source, loaded, dates, [row["state"] for row in rows if row["source"] == source][-1])
            for source, (loaded, dates) in counted.items()
        ],
        lambda colours, width: charts.states(rows, colours, width, row="source", state="state", fills=STATES),
        dimension=None,
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
                or_dash(lambda ratio: f"{100 * ratio:.0f} %", row["volume_ratio"]),
                row["warning"] or NONE,
            )
            for row in rows
        ],
        is_table=True,
        dimension=None,
        queries=("health",),
    )


def reconciliation(read: Read) -> Figure:
    """How independent figures agree."""
    rows = read("reconciliation")
    differing = sum(row["compared"] for row in rows if row["verdict"] == "differs")
    return Figure(
        "reconciliation",
        "Whether independent figures agree",
        f"{sum(row['compared'] for row in rows if row['verdict'] == 'agrees'):,} comparisons agree, "
        f"{differing:,} differ.",
        "The same quantity from two places, such as context buckets against the day's total; of apps, that a part "
        "does not exceed its whole.",
        ("what is compared", "verdict", "comparisons", "largest difference"),
        [
            (
                row["comparison"],
                row["verdict"],
                row["compared"],
                or_dash(lambda pct: f"{pct:.2f} %", row["largest_difference_pct"]),
            )
            for row in rows
        ],
        is_table=True,
        dimension=None,
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
        "Every answer that was read is kept; the figures above are those of the newest.",
        ("date", "model", "times read", "first said", "last said", "change"),
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
    return Figure(
        "unmatched",
        "Models that no catalogue knows",
        f"Of the ranked models of {rows[0]['date']} {rows[0]['models']}, with {rows[0]['models_share_pct']:.1f} % of "
        "all tokens, are in no catalogue that was read: their price, age and context are unknown."
        if rows
        else "Every ranked model of the newest day is in a catalogue.",
        "",
        ("model", "tokens", "share"),
        [(row["model_permaslug"], tokens(row["total_tokens"]), f"{row['share_pct']:.1f} %") for row in rows],
        is_table=True,
        queries=("unmatched",),
    )
