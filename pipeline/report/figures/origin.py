"""Where growth comes from: shares, contributions, the largest models, and of what growth consists."""

from __future__ import annotations

from typing import Any

from pipeline.reading import growth, rank_change
from pipeline.rendering import signed, signed_tokens, tokens
from pipeline.report import charts
from pipeline.report.drawing import Colours
from pipeline.report.figures.base import Figure, Read, Rows, Sparkline, of_shares, or_dash, places

# What the queries call the rest; no slug has a blank.
OTHERS, UNLISTED = "other organisations", "not listed"


def shares(read: Read) -> Figure:
    """Shares of organisations over time."""
    rows = read("shares")
    newest = [row for row in rows if row["date"] == rows[-1]["date"]]
    named = [row for row in newest if row["organisation"] not in (OTHERS, UNLISTED)]
    unlisted = sum(row["share_pct"] for row in newest if row["organisation"] == UNLISTED)
    leader = max(named, key=lambda row: row["share_pct"], default=None)
    names = list(dict.fromkeys(row["organisation"] for row in sorted(rows, key=lambda row: row["position"])))
    own = {OTHERS: "rest", UNLISTED: "unlisted"}
    free = (f"series-{n}" for n in range(1, 7))
    lead = leader and f"{leader['organisation']} has {leader['share_pct']:.1f} % of the tokens of {leader['date']}; "
    return of_shares(
        rows,
        "organisation",
        {name: own.get(name) or next(free) for name in names},
        "shares",
        "Who has which share",
        (lead or "") + f"{unlisted:.1f} % go to models below rank 50, whose makers the source does not name.",
        "An organisation is who is behind one or more namespaces of models. Shares of listed models: what is not "
        "listed may belong to anyone, so a share is a lower bound.",
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
    named = [row for row in rows if row["organisation"] not in (OTHERS, UNLISTED)]
    most = max(named or rows, key=lambda row: abs(row["contribution_pp"]))

    def draw(colours: Colours, width: int) -> dict[str, Any]:
        painted = [
            step | {"colour": colours["rest" if step["is_gain"] is None else "gain" if step["is_gain"] else "loss"]}
            for step in steps
        ]
        return charts.waterfall(painted, colours, width, title="percentage points of growth")

    return Figure(
        name,
        title,
        f"All tokens changed by {signed(level)}, from {tokens(before)} to {tokens(after)}, over the 28 days until "
        f"{rows[0]['date']} against the 28 before; {most['organisation']} alone by "
        f"{signed(most['contribution_pp'], 'pp')}.",
        "Contributions add up to the growth of all tokens. They are those of listed models: what enters or leaves the "
        "list moves them.",
        ("organisation", "28 days before", "28 days", "change", "contribution"),
        [
            (
                row["organisation"],
                tokens(row["tokens_before"]),
                tokens(row["tokens_after"]),
                signed_tokens(row["change_tokens"]),
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
        "A change of rank is against seven days before; unlisted was then below rank 50. Growth between two bounds is "
        "that of a model that was not listed on some day of the two weeks. The line is the last 28 days, from zero, "
        "with gaps where the model was not listed.",
        ("rank", "change", "model", "tokens", "share", "growth over 7 days", "last 28 days"),
        [
            (
                row["rank"],
                rank_change(row, places),
                row["entity"],
                tokens(row["total_tokens"]),
                f"{row['share_pct']:.1f} %",
                growth(row),
                Sparkline(row["daily_tokens"]),
            )
            for row in rows
        ],
        dimension="model",
        is_provisional=bool(rows[0]["is_provisional"]),
        is_table=True,
        queries=("leaderboard",),
    )


# Of each part its words in the table and in the legend, and its colour; a sign tells what came in from what went out.
PARTS = {
    "new_pp": ("new", "new", "series-3"),
    "resurrected_pp": ("back", "back", "series-5"),
    "expansion_pp": ("expansion", "expansion", "series-1"),
    "threshold_in_pp": ("into the top 50", "across rank 50", "rest"),
    "tail_gain_pp": ("more below rank 50", "below rank 50", "unlisted"),
    "contraction_pp": ("contraction", "contraction", "series-2"),
    "churned_pp": ("gone", "gone", "series-6"),
    "threshold_out_pp": ("out of the top 50", "across rank 50", "rest"),
    "tail_loss_pp": ("less below rank 50", "below rank 50", "unlisted"),
}


def accounting(read: Read) -> Figure:
    """Of what the growth of models consists, week by week."""
    rows = read("accounting")
    name, title = "accounting", "Of what growth consists, week by week"
    if not rows:
        return Figure(name, title, "There is no accounting yet: it takes 14 loaded days in a row.", queries=(name,))
    newest = rows[-1]
    rest = sum(newest[part] for part, (_, legend, _) in PARTS.items() if legend.endswith("rank 50"))
    return Figure(
        name,
        title,
        f"In the week until {newest['date']} all tokens changed by {signed(newest['growth_pct'])}: models that were "
        f"there before gained {newest['expansion_pp']:.1f} pp and lost {abs(newest['contraction_pp']):.1f} pp, new "
        f"ones and those that came back added {newest['new_pp'] + newest['resurrected_pp']:.1f} pp, those that left "
        f"took {abs(newest['churned_pp']):.1f} pp, and {signed(rest, 'pp')} crossed rank 50 or stayed below it.",
        "Parts are in percent of the tokens of the week before; the dot is their sum, the growth. Who crosses rank 50 "
        "may have been there before: that is neither new nor gone.",
        ("week until", "growth", *(column for column, _, _ in PARTS.values()), "quick ratio"),
        [
            (
                row["date"],
                signed(row["growth_pct"]),
                *(signed(row[part], "pp") for part in PARTS),
                or_dash(lambda ratio: f"{ratio:.1f}", row["quick_ratio"]),
            )
            for row in reversed(rows)
        ],
        lambda colours, width: charts.stacked_parts(
            rows,
            colours,
            width,
            parts={name: (legend, colour) for name, (_, legend, colour) in PARTS.items()},
            total="growth_pct",
            title="% of the week before",
        ),
        charts.domain(rows, margin_days=4),
        "model",
        bool(newest["is_provisional"]),
        queries=(name,),
    )
