"""How far to trust it all: coverage, freshness, reconciliation, restatements, and models that no catalogue knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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
    loaded, due = (
        {source: sum(row[name] or 0 for row in rows if row["source"] == source) for source in sources}
        for name in ("loaded_dates", "dates")
    )
    unjudged = [row["source"] for row in rows if row["dates"] is None]
    judged = [source for source in sources if source not in unjudged]
    complete = sum(loaded[source] >= due[source] for source in judged)
    return Figure(
        "coverage",
        "What is held of each source",
        f"{complete} of {len(judged)} sources are held without a gap.{_not_judged(unjudged)}",
        "A week has the state of its worst day. What is missing can still be had by tokengrowth backfill; what is "
        "lost was public for a time and was not read. Captures of a page were taken when others chose to: no date of "
        "theirs is due.",
        ("source", "dates held", "dates that there are", "state of the newest week"),
        [
            (
                source,
                loaded[source],
                due[source] if source in judged else NONE,
                [row["state"] for row in rows if row["source"] == source][-1],
            )
            for source in sources
        ],
        lambda colours, width: charts.states(rows, colours, width, row="source", state="state", fills=STATES),
        dimension=None,
        queries=("coverage",),
    )


def _not_judged(sources: Iterable[str]) -> str:
    """Return what a finding adds of the sources that it does not count."""
    names = ", ".join(dict.fromkeys(sources))
    return f" Not judged: {names}." if names else ""


def health(read: Read) -> Figure:
    """How fresh each source is."""
    rows = read("health")
    unwell = [row["source"] for row in rows if row["verdict"] != "ok"]
    unjudged = [row["source"] for row in rows if row["freshness"] == "not judged"]
    well = f"All {len(rows) - len(unjudged)} sources that are judged are well.{_not_judged(unjudged)}"
    return Figure(
        "health",
        "How fresh each source is",
        f"Not well: {', '.join(unwell)}." if unwell else well,
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
    read_twice = read("restated")
    rows = [row for row in read_twice if row["is_restated"]]
    return Figure(
        "restated",
        "What was restated",
        f"The largest restatement held is {_change(rows[0])} of {rows[0]['model_permaslug']} on {rows[0]['date']}."
        if rows
        else "No figure that was read again had changed."
        if read_twice
        else "No day was read twice yet.",
        "Every answer that was read is kept; the figures above are those of the newest.",
        ("date", "model", "times read", "first said", "last said", "change"),
        [
            (
                row["date"],
                row["model_permaslug"],
                row["vintages"],
                tokens(row["first_tokens"]),
                tokens(row["last_tokens"]),
                _change(row),
            )
            for row in rows
        ],
        is_table=True,
        queries=("restated",),
    )


def _change(row: Mapping[str, Any]) -> str:
    """Return the change of a figure; what only one of two answers lists has none in percent."""
    return or_dash(lambda pct: f"{pct:+.4f} %", row["change_pct"])


def unmatched(read: Read) -> Figure:
    """Models that no catalogue knows."""
    rows = read("unmatched")
    return Figure(
        "unmatched",
        "Models that no catalogue knows",
        f"Of the ranked models of {rows[0]['date']} {rows[0]['models']}, with {rows[0]['models_share_pct']:.1f} % of "
        "all tokens, are in no catalogue that was read: their age, their context and, but for free variants, "
        "their price are unknown."
        if rows
        else "Every ranked model of the newest day is in a catalogue.",
        "",
        ("model", "tokens", "share"),
        [(row["model_permaslug"], tokens(row["total_tokens"]), f"{row['share_pct']:.1f} %") for row in rows],
        is_table=True,
        queries=("unmatched",),
    )
