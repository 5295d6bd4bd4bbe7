"""What a run and a backfill want of sources with parts, weeks, snapshots and floors; and when a backfill is done."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Parsed
from pipeline.errors import SourceUnavailableError, UsageError
from pipeline.planner import (
    Held,
    backfill_want,
    backfill_window,
    chosen_sources,
    done_on,
    kept_for_run,
    planned,
    run_want,
    wanted_dates,
)
from pipeline.settings import load_settings
from pipeline.sources import SOURCES, Cadence, Reply, Request, Source, Want
from pipeline.sources.base import walk

DAY = timedelta(days=1)
NOW = datetime(2026, 8, 21, 8, tzinfo=UTC)
TARGET = date(2026, 8, 20)


def pages(want: Want) -> list[Request]:
    """One call a day and page, newest first."""
    return [
        Request("/list", context={"series": series, "start_date": str(day), "end_date": str(day)})
        for day in sorted(want.days, reverse=True)
        for series in ("1", "2")
        if day in want.cells.get(series, ())
    ]


def parse(fetch: Fetch, body: bytes) -> Parsed:
    raise AssertionError("a plan reads no answer")


def source(cadence: Cadence = Cadence.DAY, **facts: object) -> Source:
    plain = {"series": ("1", "2"), "later_pages": frozenset({"2"}), "floor": date(2026, 8, 1), "run_days": 7}
    return Source("lists", True, cadence, pages, walk(pages), parse, ("app_rankings_daily",), **{**plain, **facts})  # type: ignore[arg-type]


def days(first: int, last: int) -> frozenset[date]:
    return frozenset(date(2026, 8, n) for n in range(first, last + 1))


def held_days(first: int, last: int) -> dict[date, date]:
    """Days held by a run of each morning, which asked for the two newest; each with the day on which it was asked."""
    return {on: min(on + 2 * DAY, date(2026, 8, last) + DAY) for on in sorted(days(first, last))}


def test_a_run_wants_what_is_missing_within_its_reach_and_the_newest_again() -> None:
    held = Held({"1": held_days(1, 19), "2": held_days(1, 18)})
    want = run_want(source(refetched_days=2), held, NOW, TARGET)
    assert want
    assert want.cells == {"1": days(19, 20), "2": days(18, 20)}
    assert run_want(source(), Held({"1": held_days(14, 20), "2": held_days(14, 20)}), NOW, TARGET) is None
    # What lies further back than the reach is left to a backfill, what lies before the newest is not refetched.
    want = run_want(source(refetched_days=2), Held({"1": held_days(16, 20), "2": held_days(1, 20)}), NOW, TARGET)
    assert want
    assert want.cells == {"1": days(14, 15)}


def test_what_was_new_is_asked_again_once_whoever_fetched_what_is_newer() -> None:
    newest = {TARGET: NOW.date()}  # by a backfill some minutes after midnight
    held = Held({"1": held_days(1, 19) | newest, "2": held_days(1, 19) | newest})
    want = run_want(source(refetched_days=2), held, NOW, TARGET)
    assert want
    assert want.cells == {"1": days(19, 19), "2": days(19, 19)}
    # After an outage it is what was new before it, within the reach of a run.
    held = Held({name: held_days(1, 16) | {TARGET: NOW.date()} for name in ("1", "2")})
    want = run_want(source(refetched_days=2), held, NOW, TARGET)
    assert want
    assert want.cells == {"1": days(16, 19), "2": days(16, 19)}


def test_a_snapshot_is_wanted_once_a_day_or_once_in_each_part_of_it() -> None:
    held = Held({"1": {NOW.date(): NOW.date()}, "2": {NOW.date() - DAY: NOW.date() - DAY}})
    want = run_want(source(Cadence.SNAPSHOT), held, NOW, TARGET)
    assert want
    assert want.cells == {"2": frozenset({NOW.date()})}
    assert run_want(source(Cadence.SNAPSHOT), held, NOW - DAY, TARGET) is not None
    often = source(Cadence.SNAPSHOT, series=("1",), snapshots_a_day=4)
    held = Held({"1": {NOW.date(): NOW.date()}}, retrieved_at={"1": NOW - timedelta(hours=1)})
    assert run_want(often, held, NOW + timedelta(hours=3.9), TARGET) is None
    again = run_want(often, held, NOW + timedelta(hours=4), TARGET)
    assert again
    assert again.cells == {"1": frozenset({NOW.date()})}
    subjects = {"acme/large": "acme/large-20260101"}
    want = run_want(source(Cadence.SNAPSHOT, series=None), Held(), NOW, TARGET, subjects)
    assert want
    assert (want.cells, want.subjects) == ({"acme/large": frozenset({NOW.date()})}, subjects)


def test_weeks_are_named_by_mondays_and_wanted_when_they_are_over() -> None:
    weekly = source(Cadence.WEEK, series=(WHOLE,))
    assert wanted_dates(weekly, date(2026, 8, 1), date(2026, 8, 16)) == [date(2026, 8, 3), date(2026, 8, 10)]
    assert wanted_dates(weekly, date(2026, 8, 1), date(2026, 8, 15)) == [date(2026, 8, 3)]
    assert wanted_dates(weekly, date(2026, 8, 4), date(2026, 8, 9)) == []
    want = backfill_want(weekly, Held(), NOW, (date(2025, 1, 1), TARGET), force=False)
    assert want
    assert want.days == {date(2026, 8, 3), date(2026, 8, 10)}


def test_a_backfill_believes_a_floor_for_a_month() -> None:
    held = Held({"1": held_days(10, 20), "2": held_days(10, 20)}, {"1": ((date(2026, 8, 10), NOW.date()),)})
    want = backfill_want(source(), held, NOW, (date(2025, 1, 1), TARGET), force=False)
    assert want
    assert want.cells == {"2": days(1, 9)}
    assert want.newest_held == {"2": TARGET}
    later = backfill_want(source(), held, NOW + 30 * DAY, (date(2025, 1, 1), TARGET), force=False)
    assert later
    assert later.cells == {"2": days(1, 9)}
    then = backfill_want(source(), held, NOW + 31 * DAY, (date(2025, 1, 1), TARGET), force=False)
    assert then
    assert then.cells == {"1": days(1, 9), "2": days(1, 9)}
    forced = backfill_want(source(), held, NOW, (date(2026, 8, 19), TARGET), force=True)
    assert forced
    assert (forced.cells, forced.newest_held) == ({"1": days(19, 20), "2": days(19, 20)}, {})


def test_series_that_vary_are_wanted_but_those_that_were_refused_for_good() -> None:
    captures = source(Cadence.CAPTURE, series=None, ceiling=date(2026, 8, 5))
    held = Held({"a": held_days(2, 2)}, closed=frozenset({"b"}))
    subjects = {"a": "one", "b": "two", "c": "three"}
    want = backfill_want(captures, held, NOW, (date(2026, 8, 2), TARGET), subjects, force=False)
    assert want
    assert (want.cells, want.subjects) == ({"a": days(3, 5), "c": days(2, 5)}, subjects)
    forced = backfill_want(captures, held, NOW, (date(2026, 8, 2), TARGET), subjects, force=True)
    assert forced
    assert forced.cells == dict.fromkeys("abc", days(2, 5))


def drive(want: Want, answers: dict[tuple[str, str], Parsed | None]) -> list[tuple[str, str, bool]]:
    """Answer a walk; return what it asked: page, day, whether newer days were known to be there."""
    exchange = walk(pages)(want)
    asked = []
    reply: Reply | None = None
    while True:
        try:
            request = next(exchange) if reply is None else exchange.send(reply)
        except StopIteration:
            return asked
        place = request.series, str(request.start_date)[-2:]
        asked.append((*place, "is_older" in request.context))
        reply = Reply(200, b"", answers.get(place, Parsed(settles=(place[0],))))


def nothing_before(day: int) -> Parsed:
    return Parsed(settles=("1", "2"), is_absent=True, floor_date=date(2026, 8, day))


def test_a_walk_skips_what_an_answer_has_settled_and_ends_at_the_floor() -> None:
    short = Parsed(settles=("1", "2"))
    want = Want(NOW, {"1": days(12, 20), "2": days(12, 20)})
    asked = drive(want, {("1", "20"): None, ("1", "19"): short, ("1", "17"): nothing_before(18)})
    assert asked == [
        ("1", "20", False),
        ("2", "20", False),
        ("1", "19", False),
        ("1", "18", True),
        ("2", "18", True),
        ("1", "17", True),
    ]
    (first,) = drive(Want(NOW, {"1": days(3, 3)}, {"1": date(2026, 8, 4)}), {})
    assert first == ("1", "03", True)


def test_a_walk_strides_over_gaps_and_an_answer_that_begins_late_is_an_end() -> None:
    all_days = frozenset(TARGET - n * DAY for n in range(60))
    short = Parsed(settles=("1", "2"))
    gap = Parsed(settles=("1", "2"), is_absent=True)
    held = {("1", f"{day:%d}"): short for day in all_days}
    want = Want(NOW, {"1": days(1, 20), "2": days(1, 20)})

    def asked(answers: dict[tuple[str, str], Parsed | None]) -> list[int]:
        return [int(day) for page, day, _ in drive(want, answers)]

    assert asked(held) == list(range(20, 0, -1))
    # One day without anything, then three: the walk finds what lies behind, and leaves the rest to the next one.
    assert asked(held | {("1", "18"): gap}) == list(range(20, 0, -1))
    assert asked(held | dict.fromkeys((("1", "18"), ("1", "17"), ("1", "16")), gap)) == [
        20,
        19,
        18,
        17,
        *range(15, 0, -1),
    ]
    nothing = dict.fromkeys((("1", f"{day:02}") for day in range(1, 19)), gap)
    assert asked(held | nothing) == [20, 19, 18, 17, 15, 11, 3]
    late = Parsed(settles=("1", "2"), floor_date=date(2026, 8, 18))
    assert asked(held | {("1", "18"): late}) == [20, 19, 18]


def test_a_call_that_cannot_be_made_does_not_stop_those_behind_it() -> None:
    exchange = walk(pages)(Want(NOW, {"1": days(18, 20)}))
    assert next(exchange).start_date == date(2026, 8, 20)
    assert exchange.throw(SourceUnavailableError("The line is down.")).start_date == date(2026, 8, 19)
    assert exchange.send(Reply(200, b"", Parsed(settles=("1",)))).start_date == date(2026, 8, 18)
    with pytest.raises(SourceUnavailableError, match="The line is down"):
        exchange.send(Reply(200, b"", Parsed(settles=("1",))))


def test_a_plan_counts_later_pages_as_far_as_the_newest_list_needed_them() -> None:
    want = Want(NOW, {"1": days(19, 20), "2": days(19, 20)})
    unknown = planned(source(), want, Held())
    assert (unknown.expected, unknown.at_most) == (2, 4)
    assert planned(source(), want, Held(followed=frozenset({"2"}))).expected == 4
    assert planned(source(), None, Held()).at_most == 0


@given(calls=st.integers(0, 3000), left=st.integers(0, 500), per_day=st.integers(1, 500), kept=st.integers(0, 250))
def test_a_backfill_is_done_on_the_day_on_which_its_calls_are_made(
    calls: int, left: int, per_day: int, kept: int
) -> None:
    today = date(2026, 8, 21)
    remaining, day, allowance = calls, today, left
    while remaining > allowance:
        remaining -= allowance
        allowance, day = max(1, per_day - kept), day + DAY
    assert done_on(calls, today, left, per_day, kept) == day


def test_a_backfill_leaves_to_the_run_what_it_needs_but_never_more_than_half() -> None:
    plan = planned(source(), Want(NOW, {"1": days(1, 20), "2": days(1, 20)}), Held())
    keyless = planned(SOURCES["models"], Want(NOW, {WHOLE: frozenset({NOW.date()})}), Held())
    assert kept_for_run([plan, keyless], 500) == 40
    assert kept_for_run([plan, keyless], 60) == 30


def test_sources_are_chosen_by_name_by_setting_and_by_what_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def names(*words: str, for_backfill: bool = False) -> list[str]:
        return [source.name for source in chosen_sources(load_settings(), words, for_backfill=for_backfill)]

    assert all(not SOURCES[name].needs_key for name in names())
    assert "exports" in names(for_backfill=True)
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-of-a-test")
    assert set(names()) == {name for name, source in SOURCES.items() if source.cadence is not Cadence.CAPTURE}
    assert "exports" not in names(for_backfill=True)
    assert all(SOURCES[name].has_past for name in names(for_backfill=True))
    assert names("models", "rankings-daily") == ["rankings-daily", "models"]
    monkeypatch.setenv("TOKENGROWTH_SOURCES", "exports, models")
    assert names() == ["exports", "models"]
    assert names(for_backfill=True) == ["exports"]
    monkeypatch.setenv("TOKENGROWTH_SOURCES", "rankings")
    with pytest.raises(UsageError, match="No source is named 'rankings'"):
        names()


def test_a_backfill_window_lies_within_what_can_be_published() -> None:
    assert backfill_window(NOW, None, None) == (date(2025, 1, 1), TARGET)
    for start, end in ((date(2024, 12, 31), None), (None, TARGET + DAY), (TARGET, TARGET - DAY)):
        with pytest.raises(UsageError):
            backfill_window(NOW, start, end)
