"""What kind of use it is: free and paid, the length of requests, apps."""

from __future__ import annotations

from pipeline.rendering import tokens
from pipeline.report import charts
from pipeline.report.figures.base import NONE, Figure, Read, of_shares, or_dash, over_days, state, times

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
    return of_shares(
        rows,
        "price_class",
        PRICE_CLASSES,
        "free_and_paid",
        "Free and paid",
        f"At least {free:.1f} % of the tokens of {rows[-1]['date']} were free, and at least "
        f"{newest.get('paid', 0.0):.1f} % were paid for; of the rest nobody can tell.",
        "A class is that of the model's newest catalogue entry. No catalogue: none that this pipeline read has the "
        "model, because it left before, or came after.",
    )


CONTEXT_BUCKETS = {"1K": "series-5", "10K": "series-3", "100K": "series-1", "1M": "series-6", "10M": "series-2"}


def contexts(read: Read) -> Figure:
    """Shares by the length of the request over time."""
    rows = read("contexts")
    name, title = "contexts", "How long requests are"
    if not rows:
        return Figure(name, title, "No context lengths are loaded.", dimension="context_bucket", queries=(name,))
    newest = {row["context_bucket"]: row["share_pct"] for row in rows if row["date"] == rows[-1]["date"]}
    fills = CONTEXT_BUCKETS | dict.fromkeys(
        sorted({row["context_bucket"] for row in rows} - CONTEXT_BUCKETS.keys()), "rest"
    )
    long = sum(share for bucket, share in newest.items() if bucket in ("1M", "10M"))
    return of_shares(
        rows,
        "context_bucket",
        fills,
        name,
        title,
        f"{long:.1f} % of the tokens of {rows[-1]['date']} belong to the longest requests, of the buckets 1M and 10M.",
        "A bucket is OpenRouter's class of a request by its length in tokens. All requests are counted: nothing is "
        "below a cut-off.",
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
            "words": ", ".join([tokens(row["total_tokens"]), *_percent(row["share_pct"])]),
        }
        for row in rows
    ]
    shares = [row["share_pct"] for row in rows if row["share_pct"] is not None]
    return Figure(
        name,
        title,
        f"The {len(rows)} largest apps that show themselves have {sum(shares):.1f} % of all tokens of "
        f"{rows[0]['date']}."
        if shares
        else f"{rows[0]['app_name']} is the largest app of {rows[0]['date']}, whose total is not loaded.",
        "Apps name themselves and may hide: the list is no census. Tokens of a request tell agents from chats.",
        ("rank", "app", "tokens", "share", "requests", "tokens of a request"),
        [
            (
                row["rank"],
                row["app_name"],
                tokens(row["total_tokens"]),
                *(_percent(row["share_pct"]) or [NONE]),
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
    newest, weeks = rows[-1], [row for row in rows if row["tokens_per_request_7d"] is not None]
    finding = f"A request of a listed app took {tokens(newest['tokens_per_request'])} tokens on {newest['date']}."
    if len(weeks) > 7 and weeks[0]["tokens_per_request_7d"]:
        last, first = weeks[-1], weeks[0]
        finding = (
            f"In the week until {last['date']} a request of a listed app took {tokens(last['tokens_per_request_7d'])} "
            f"tokens, {times(last['tokens_per_request_7d'], first['tokens_per_request_7d'])} the "
            f"{tokens(first['tokens_per_request_7d'])} of the week until {first['date']}."
        )
    return Figure(
        name,
        title,
        finding,
        "Dots are days, open ones provisional; the line is the week until each. All listed apps together, prompt and "
        "answer: who enters or leaves the list moves it. The table fct_app_decomposition parts longer requests from "
        "other apps.",
        ("date", "tokens of a request", "of seven days", "tokens", "requests", "apps", "state"),
        [
            (
                row["date"],
                tokens(row["tokens_per_request"]),
                or_dash(tokens, row["tokens_per_request_7d"]),
                tokens(row["total_tokens"]),
                tokens(row["total_requests"]),
                row["apps"],
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
                line="tokens_per_request_7d",
                dots="tokens_per_request",
                title="tokens of a request",
            ),
        ),
        "app",
        bool(newest["is_provisional"]),
        queries=(name,),
    )


def _percent(share: float | None) -> list[str]:
    """Return a share in words, and nothing where the total of the day is not loaded."""
    return [] if share is None else [f"{share:.1f} %"]
