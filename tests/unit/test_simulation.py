"""The simulated market contains what it promises, and its server keeps OpenRouter's contract."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPMessage
from itertools import pairwise
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from pipeline.simulation import OTHER, TOP, SimulatedOpenRouter, World

WORLD = World()
DAYS = [WORLD.first_day + timedelta(offset) for offset in range((WORLD.last_day - WORLD.first_day).days + 1)]
NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
RANKINGS = "/api/v1/datasets/rankings-daily"
EXPORTS = "/api/v1/datasets/exports"
REQUIRED = {"id", "canonical_slug", "name", "created", "context_length", "architecture", "pricing"}
REQUIRED |= {"top_provider", "per_request_limits", "supported_parameters", "default_parameters"}
REQUIRED |= {"supported_voices", "links"}

Boards = dict[date, dict[str, int]]
Catalogues = list[list[dict[str, Any]]]


def after(day: date, days: int = 2) -> datetime:
    """Midnight that many days after the start of a day; two is when the day has become final."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days)


@pytest.fixture(scope="module")
def truth() -> Boards:
    """Every day's uncut tokens."""
    return {day: WORLD.truth(day) for day in DAYS}


@pytest.fixture(scope="module")
def boards() -> Boards:
    """Every day's final ranking without `other`."""
    return {day: {s: n for s, n in WORLD.ranked(day, after(day)) if s != OTHER} for day in DAYS}


@pytest.fixture(scope="module")
def catalogues() -> Catalogues:
    """One catalogue every two weeks, no model lives shorter, and a last one."""
    return [WORLD.catalogue(after(day, 0)) for day in [*DAYS[::14], DAYS[-1]]]


def test_a_seed_is_one_market_and_a_shorter_one_is_its_beginning() -> None:
    """Same seed, same market, whatever its length; another seed, another market."""
    short = World(WORLD.seed, days=30)
    for day in DAYS[:30]:
        assert short.truth(day) == WORLD.truth(day)
        assert short.ranked(day, after(day, 1)) == WORLD.ranked(day, after(day, 1))
    assert short.catalogue(after(DAYS[20])) == WORLD.catalogue(after(DAYS[20]))
    assert World(WORLD.seed + 1, days=30).truth(DAYS[9]) != WORLD.truth(DAYS[9])
    assert short.truth(DAYS[30]) == {}


def test_every_python_gives_the_same_integers(truth: Boards) -> None:
    """A digest of all tokens; it changes only with the rules of the market."""
    text = json.dumps([sorted(day.items()) for day in truth.values()])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "ae8616d765361967"


def test_market_grows_with_a_weekly_season(truth: Boards) -> None:
    """Thirtyfold growth in 700 days, quiet weekends, 90 to 140 models in the second half."""
    totals = [sum(day.values()) for day in truth.values()]
    assert 0.3e12 < totals[0] < 0.6e12
    assert 9e12 < sum(totals[-7:]) / 7 < 15e12
    weekends = sum(n for day, n in zip(DAYS, totals, strict=True) if day.weekday() == 5)
    wednesdays = sum(n for day, n in zip(DAYS, totals, strict=True) if day.weekday() == 2)
    assert weekends / wednesdays == pytest.approx(0.86 / 1.08, abs=0.03)
    assert all(85 <= len(truth[day]) <= 150 for day in DAYS[350:])


def test_ranked_is_the_truth_cut_at_fifty(truth: Boards) -> None:
    """Descending by tokens, ties by slug, and `other` is exactly the rest."""
    with_tail = 0
    for day, tokens in truth.items():
        expected = sorted(tokens.items(), key=lambda row: (-row[1], row[0]))
        rows = WORLD.ranked(day, after(day))
        assert rows[:TOP] == expected[:TOP]
        assert rows[TOP:] == ([(OTHER, sum(n for _, n in expected[TOP:]))] if len(expected) > TOP else [])
        with_tail += len(rows) > TOP
    assert len(truth[DAYS[0]]) <= TOP
    assert with_tail > 0.95 * len(DAYS)


def test_newest_day_is_provisional_for_one_day() -> None:
    """Nothing before the day ends, then slightly too little, visibly so on a few days, then the truth."""
    changes, worst_model = [], 0.0
    for day in DAYS:
        assert WORLD.ranked(day, after(day, 1) - timedelta(microseconds=1)) == []
        first, final = dict(WORLD.ranked(day, after(day, 1))), dict(WORLD.ranked(day, after(day)))
        changes.append(sum(final.values()) / sum(first.values()) - 1)
        worst_model = max(worst_model, *(1 - n / final[s] for s, n in first.items() if s in final and s != OTHER))
    assert WORLD.ranked(DAYS[9], after(DAYS[9]) - timedelta(microseconds=1)) == WORLD.ranked(DAYS[9], after(DAYS[9], 1))
    assert sum(change > 1e-6 for change in changes) > 0.9 * len(DAYS)
    assert sorted(changes)[len(DAYS) // 2] < 1e-4
    assert 5 <= sum(change > 1e-3 for change in changes) <= 40
    assert max(changes) < 0.012
    assert 0.01 < worst_model < 0.025


def test_models_enter_leave_and_return_at_the_cut(boards: Boards) -> None:
    """Two to three entries and exits a day, some of them of models that were there before."""
    entered = [(day, slug) for (_, old), (day, new) in pairwise(boards.items()) for slug in new if slug not in old]
    left = sum(len(old.keys() - new.keys()) for old, new in pairwise(boards.values()))
    assert 2 <= len(entered) / len(DAYS) <= 3.5
    assert 2 <= left / len(DAYS) <= 3.5
    assert sum(times > 1 for times in Counter(slug for _, slug in entered).values()) > 50


def test_free_variants_and_the_hand_over(truth: Boards, boards: Boards) -> None:
    """Free beside paid on the same board, and a giant whose free slug ends the day before its base begins."""
    assert any(slug.endswith(":free") and slug[:-5] in board for board in boards.values() for slug in board)
    hand_overs = [
        day
        for (_, old), (day, new) in pairwise(truth.items())
        for slug, tokens in old.items()
        if slug.endswith(":free") and slug not in new and tokens > 0.05 * sum(old.values())
        if slug[:-5] in new and slug[:-5] not in old and new[slug[:-5]] > 0.01 * sum(new.values())
    ]
    assert len(hand_overs) == 1
    assert 560 <= (hand_overs[0] - DAYS[0]).days <= 580


def test_a_stealth_model_leads_for_weeks_and_vanishes(truth: Boards) -> None:
    """First place for 20 days or more, no tokens a day after the last one."""
    leaders = Counter(max(tokens, key=tokens.__getitem__) for tokens in truth.values())
    stealth = {slug for tokens in truth.values() for slug in tokens if slug.endswith("-alpha")}
    assert {slug.split("/")[0] for slug in stealth} == {"stealth", "openrouter"}
    leader = max(stealth, key=leaders.__getitem__)
    lived = [day for day in DAYS if leader in truth[day]]
    assert leaders[leader] >= 20
    assert len(lived) == (lived[-1] - lived[0]).days + 1 < 60
    assert truth[lived[-1]][leader] > 0.1 * sum(truth[lived[-1]].values())


def test_namespaces_and_several_dates_of_one_model(boards: Boards) -> None:
    """Two authors of one vendor, and one model under two dates, on the same board."""
    authors = [{slug.split("/")[0] for slug in board} for board in boards.values()]
    assert any({"meridian", "meridian-labs"} <= names for names in authors)
    dated = [[s[:-9] for s in board if re.search(r"-\d{8}$", s)] for board in boards.values()]
    assert sum(max(Counter(stems).values()) > 1 for stems in dated) > 100


def test_launches_in_the_middle_of_a_day(truth: Boards, catalogues: Catalogues) -> None:
    """Traffic starts on the day of `created`, below that of the following day."""
    launches = {row["canonical_slug"]: row["created"] for rows in catalogues for row in rows if ":" not in row["id"]}
    seen = 0
    for slug, created in launches.items():
        instant = datetime.fromtimestamp(created, UTC)
        if DAYS[0] <= instant.date() < DAYS[-1] and instant.hour and slug in truth[instant.date()]:
            assert truth[instant.date()][slug] < truth[instant.date() + timedelta(1)][slug]
            assert instant.date() == DAYS[0] or slug not in truth[instant.date() - timedelta(1)]
            seen += 1
    assert seen > 150


def test_catalogue_rows_are_complete_and_their_variants_share_a_slug(
    catalogues: Catalogues,
) -> None:
    """Every required field, unique ids, and `:free`, `:batch`, alias, router and reordered rows."""
    for rows in catalogues:
        assert all(row.keys() >= REQUIRED for row in rows)
        by_id = {row["id"]: row for row in rows}
        assert len(by_id) == len(rows)
        for variant in (":free", ":batch"):
            pairs = [(row, by_id.get(id_.removesuffix(variant))) for id_, row in by_id.items() if id_.endswith(variant)]
            assert pairs
            assert all(base is None or base["canonical_slug"] == row["canonical_slug"] for row, base in pairs)
        aliases = [row for row in rows if row["id"].startswith("~")]
        assert aliases
        assert all(row["alias_target"]["slug"] in by_id for row in aliases)
        assert any(row["pricing"]["prompt"] == "-1" for row in rows)
        assert any(re.sub(r"-\d{8}$", "", row["canonical_slug"]) != id_ for id_, row in by_id.items() if ":" not in id_)
        assert any(row["hugging_face_id"] for row in rows)
        assert any("reasoning" in row and "reasoning" in row["supported_parameters"] for row in rows)


def test_catalogue_changes_over_time(
    truth: Boards,
    boards: Boards,
    catalogues: Catalogues,
) -> None:
    """Price cuts, announced ends, delisted and unlisted models, and a listed fringe that is never ranked."""
    prices: dict[str, set[str]] = {}
    for rows in catalogues:
        for row in rows:
            if not row["id"].startswith("~"):
                prices.setdefault(row["id"], set()).add(row["pricing"]["prompt"])
    assert sum(len(values) > 1 for values in prices.values()) > 30
    assert any(row["expiration_date"] not in (None, "2098-12-31") for row in catalogues[25])
    ranked = {slug.partition(":")[0] for board in boards.values() for slug in board}
    listed = {row["canonical_slug"] for rows in catalogues for row in rows}
    assert len(ranked - listed) == 2
    assert len(ranked & listed - {row["canonical_slug"] for row in catalogues[-1]}) > 50
    fringe = (listed - ranked) & truth[DAYS[-1]].keys()
    assert len([slug for slug in fringe if slug in truth[DAYS[-250]]]) >= 15
    assert len(fringe) >= 25


@pytest.fixture
def server() -> Iterator[SimulatedOpenRouter]:
    """A running server with the default limits."""
    with SimulatedOpenRouter(WORLD, NOW) as running:
        yield running


@pytest.fixture(scope="module")
def unmoved() -> Iterator[SimulatedOpenRouter]:
    """A server for tests that leave its clock alone."""
    with SimulatedOpenRouter(WORLD, NOW) as running:
        yield running


def get(server: SimulatedOpenRouter, target: str, key: str | None = None) -> tuple[int, HTTPMessage, bytes]:
    """Status, headers and body of one request, which must be marked as simulated."""
    request = Request(server.base_url + target, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urlopen(request, timeout=5) as response:
            status, headers, body = response.status, response.headers, response.read()
    except HTTPError as error:
        with error:
            status, headers, body = error.code, error.headers, error.read()
    assert headers["X-Simulated-Data"] == f"seed={WORLD.seed}"
    assert int(headers["Content-Length"]) == len(body)
    return status, headers, body


def test_rankings_daily_answers_thirty_days_in_documented_order(server: SimulatedOpenRouter) -> None:
    """The default window ends yesterday; tokens are strings; rows are those of the world at the clock."""
    status, _, body = get(server, RANKINGS, server.key)
    answer = json.loads(body)
    assert status == 200
    assert answer["meta"] == {
        "as_of": "2026-06-15T09:30:00.000Z",
        "start_date": "2026-05-16",
        "end_date": "2026-06-14",
        "version": "v1",
    }
    rows = [(row["date"], row["model_permaslug"], row["total_tokens"]) for row in answer["data"]]
    window = [date(2026, 5, 16) + timedelta(offset) for offset in range(30)]
    assert rows == [(str(day), slug, str(n)) for day in window for slug, n in WORLD.ranked(day, NOW)]
    assert len(rows) == 30 * 51


def test_rankings_daily_clamps_its_window(server: SimulatedOpenRouter) -> None:
    """The end falls back to the last complete day, the start is raised to 2025-01-01."""
    _, _, body = get(server, f"{RANKINGS}?start_date=2026-06-14&end_date=2027-01-01", server.key)
    assert {row["date"] for row in json.loads(body)["data"]} == {"2026-06-14"}
    _, _, body = get(server, f"{RANKINGS}?start_date=2024-01-01&end_date=2026-01-01", server.key)
    answer = json.loads(body)
    assert answer["meta"]["start_date"] == "2025-01-01"
    assert len({row["date"] for row in answer["data"]}) == 366


@pytest.mark.parametrize(
    "query",
    [
        "start_date=2025-01-01&end_date=2026-01-02",  # 367 days
        "start_date=2026-06-10&end_date=2026-06-09",
        "start_date=2026-06-15&end_date=2026-06-15",  # the running day only
        "end_date=2024-12-31",
        "end_date=0001-01-01",
        "start_date=2026-02-30",
        "start_date=20260601",
        "start_date=",
        "period=week",
        "period=hour",
        "modality=smell",
        "context_bucket=",
        "context_bucket=1K&modality=text",
        "context_bucket=1K&period=week",
        "category=legal&language_type=natural",
        "category=legal&period=day",
        "category=legal&period=month",
    ],
)
def test_rankings_daily_refuses(unmoved: SimulatedOpenRouter, query: str) -> None:
    """A window that cannot be served is a 400 with the documented body."""
    status, _, body = get(unmoved, f"{RANKINGS}?{query}", unmoved.key)
    assert (status, json.loads(body)["error"]["code"]) == (400, 400)
    assert json.loads(body)["error"]["message"]


def test_key_and_limits() -> None:
    """401 without the key, 429 beyond the minute and the day; refused requests do not count."""
    with SimulatedOpenRouter(WORLD, NOW, requests_per_minute=2) as server:
        codes = [get(server, RANKINGS, key)[0] for key in (None, "sk-wrong", server.key, server.key)]
        assert codes == [401, 401, 200, 200]
        status, headers, body = get(server, RANKINGS, server.key)
        assert (status, json.loads(body)) == (429, {"error": {"code": 429, "message": "Rate limit exceeded"}})
        assert 55 <= int(headers["Retry-After"]) <= 61
        assert get(server, "/api/v1/models")[0] == 200
    with SimulatedOpenRouter(WORLD, NOW, requests_per_day=1) as server:
        target = f"{RANKINGS}?start_date=2026-06-01"
        assert get(server, target, server.key)[0] == 200
        status, headers, _ = get(server, target, server.key)
        assert (status, headers["Retry-After"]) == (429, str(14 * 3600 + 1800 + 1))
        server.set_clock(NOW + timedelta(days=1))
        assert get(server, target, server.key)[0] == 200


def test_all_keyed_endpoints_share_the_limits() -> None:
    """401 without the key on each of them, and one count for all; the others need none and count nothing."""
    keyed = [RANKINGS, "/api/v1/datasets/app-rankings", "/api/v1/datasets/session-cost"]
    keyed += ["/api/v1/classifications/task", "/api/v1/benchmarks"]
    with SimulatedOpenRouter(WORLD, NOW, requests_per_minute=len(keyed)) as server:
        for target in keyed:
            assert get(server, target)[0] == 401
            assert get(server, target, server.key)[0] == 200
        assert [get(server, target, server.key)[0] for target in keyed] == [429] * len(keyed)
        model = WORLD.catalogue(NOW)[0]["id"]
        assert [get(server, f"/api/v1/{path}")[0] for path in ("providers", f"models/{model}/endpoints")] == [200, 200]


def test_limits_count_against_the_simulated_clock_where_told_so() -> None:
    """The minute passes with the clock, and a clock that is moved back starts a new one."""
    with SimulatedOpenRouter(WORLD, NOW, requests_per_minute=1, clocked_limits=True) as server:
        target = "/api/v1/classifications/task"
        assert get(server, target, server.key)[0] == 200
        server.set_clock(NOW + timedelta(seconds=20))
        status, headers, _ = get(server, target, server.key)
        assert (status, headers["Retry-After"]) == (429, "41")
        for seconds in (60, 5):
            server.set_clock(NOW + timedelta(seconds=seconds))
            assert get(server, target, server.key)[0] == 200


def test_clock_restates_the_newest_day(server: SimulatedOpenRouter) -> None:
    """The same window asked a day later has other figures."""
    target = f"{RANKINGS}?start_date=2026-06-14&end_date=2026-06-14"
    first = json.loads(get(server, target, server.key)[2])["data"]
    server.set_clock(NOW + timedelta(days=1))
    second = json.loads(get(server, target, server.key)[2])["data"]
    assert [row["model_permaslug"] for row in first] == [row["model_permaslug"] for row in second]
    assert first != second
    with pytest.raises(ValueError, match="time zone"):
        server.set_clock(datetime(2026, 6, 15))


def test_models_lists_text_models_unless_asked_for_all(server: SimulatedOpenRouter) -> None:
    """The default hides models without text output; other filters are refused rather than ignored."""
    everything = json.loads(get(server, "/api/v1/models?output_modalities=all")[2])
    texts = json.loads(get(server, "/api/v1/models")[2])
    assert everything["data"] == WORLD.catalogue(NOW)
    assert (everything["total_count"], everything["links"]) == (len(everything["data"]), {"next": None})
    assert {row["id"] for row in texts["data"]} < {row["id"] for row in everything["data"]}
    assert get(server, "/api/v1/models?sort=newest")[0] == 400


def test_export_manifest_describes_its_files(server: SimulatedOpenRouter) -> None:
    """Bytes and sha256 fit the files, which hold the 30 days as known at publication."""
    index = json.loads(get(server, f"{EXPORTS}/index.json")[2])
    assert index["datasets"][0]["latest_snapshot_date"] == "2026-06-15"
    manifest = json.loads(get(server, f"{EXPORTS}/rankings-daily/latest.manifest.json")[2])
    assert (manifest["snapshot_date"], manifest["row_count"]) == ("2026-06-15", 1530)
    assert manifest["retrieved_at"] == "2026-06-15T01:46:15.433Z"
    bodies = {}
    for kind, described in manifest["files"].items():
        _, headers, bodies[kind] = get(server, described["url"].removeprefix(server.base_url))
        assert described["bytes"] == len(bodies[kind])
        assert described["sha256"] == hashlib.sha256(bodies[kind]).hexdigest()
        assert headers["Content-Type"].startswith(described["encoding_format"])
        assert headers["ETag"]
        assert headers["Cache-Control"] == "public, max-age=300"
    lines = bodies["csv"].decode().split("\r\n")
    assert lines[0] == "date,model_permaslug,rank,total_tokens,share_of_daily_tokens"
    assert (len(lines), lines[-1]) == (1532, "")
    assert re.fullmatch(r"2026-06-14,other,,\d+,0\.\d+", lines[-2])
    rows = json.loads(bodies["json"])["data"]
    assert [",".join("" if v is None else str(v) for v in row.values()) for row in rows] == lines[1:-1]
    newest = [(row["model_permaslug"], row["total_tokens"]) for row in rows if row["date"] == "2026-06-14"]
    assert newest == WORLD.ranked(date(2026, 6, 14), NOW)
    assert sum(row["share_of_daily_tokens"] for row in rows) == pytest.approx(30)


def test_exports_exist_from_publication_on(server: SimulatedOpenRouter) -> None:
    """Dated files from the thirtieth day on, today's only after 01:46; otherwise the documented 404."""
    assert get(server, f"{EXPORTS}/rankings-daily/2025-01-31.csv")[0] == 200
    server.set_clock(datetime(2026, 6, 15, 1, 46, tzinfo=UTC))
    for snapshot in ("2025-01-30", "2026-06-15", "2026-02-30"):
        status, _, body = get(server, f"{EXPORTS}/rankings-daily/{snapshot}.csv")
        assert (status, json.loads(body)) == (404, {"error": {"message": "Export not found", "code": 404}})
    latest = get(server, f"{EXPORTS}/rankings-daily/latest.csv")
    dated = get(server, f"{EXPORTS}/rankings-daily/2026-06-14.csv")
    assert latest[2] == dated[2]
    request = Request(f"{server.base_url}{EXPORTS}/rankings-daily/latest.csv")
    request.add_header("If-None-Match", latest[1]["ETag"])
    with pytest.raises(HTTPError, match="304"):
        urlopen(request, timeout=5)


def test_requests_are_recorded_and_the_server_stops() -> None:
    """Counts by path, targets in order, and nothing answers after the block."""
    with SimulatedOpenRouter(WORLD, NOW) as server:
        targets = ["/api/v1/models", "/api/v1/models?output_modalities=all", "/nowhere"]
        assert [get(server, target)[0] for target in targets] == [200, 200, 404]
        assert json.loads(get(server, "/_simulation/counts")[2]) == {"/api/v1/models": 2, "/nowhere": 1}
        assert server.requests == targets
        assert server.counts.total() == 3
    with pytest.raises(URLError):
        urlopen(f"{server.base_url}/api/v1/models", timeout=5)
