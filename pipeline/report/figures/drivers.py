"""What drives growth: the ledger of claims."""

from __future__ import annotations

from pipeline.report.figures.base import NONE, Figure, Read


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
        dimension=None,
        is_provisional=any(row["is_provisional"] for row in rows),
        is_table=True,
        queries=("claims",),
    )
