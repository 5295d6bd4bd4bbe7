"""What is wrong, and what mends it: one finding a check, from the environment to the Prefect server. It never writes.

A check that fails does not stop the others, and none of them waits for a writer.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from pydantic import TypeAdapter

from pipeline import jobs, planner
from pipeline.archive import Archive, Damage, Fetch
from pipeline.errors import (
    ClockError,
    DamagedError,
    LockedError,
    QuotaReachedError,
    SourceError,
    TokenGrowthError,
    UsageError,
)
from pipeline.quota import Quota
from pipeline.rendering import Table, megabytes
from pipeline.settings import APP_NAME, Settings, load_settings, unknown_variables
from pipeline.sources import SOURCES
from pipeline.warehouse import (
    LAYOUT_VERSION,
    held_of,
    landed_in,
    last_build,
    layout_of,
    opened_to_look,
    published,
    published_build_id,
    publisher,
    read_whole,
    rows_of,
)

UPGRADE = "Upgrade this program, or use another TOKENGROWTH_HOME."
MARGIN_BYTES = 100_000_000
# A daily run that is two hours late is missed.
MAX_AGE = timedelta(hours=26)
MAX_SKEW = timedelta(minutes=2)
SHOWN = 3
PAST_PINS = {
    "fastapi": "with a newer one no Prefect flow starts",
    "sqlalchemy": "with a newer one Prefect's scheduler creates no runs",
}
# What prefect.yaml and the flows call their work pool, tag, deployments, automations and block of the key.
POOL = TAG = "token-growth"
DAILY = "daily"
DAILY_FLOW = "token-growth-daily/daily"
DEPLOYMENTS = {DAILY, "backfill", "rebuild"}
ZOMBIES = "token-growth zombies"
ALERTS = "token-growth alerts"
KEY_BLOCK = "openrouter-api-key"
# How an archived answer that refuses the key is worded.
KEY_REFUSED = "refused the key"
# Three heartbeats of 30 s, which prefect.yaml sets. The automation looks as often as that, so may take twice as long.
SILENCE = timedelta(seconds=90)
# So long at least the server has to remember which runs the automation waits for; pyproject.toml says a year.
MEMORY = timedelta(days=30)


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One check: its state, what was found, and where it is not ok what mends it."""

    check: str
    state: State
    found: str
    mend: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def doctor(*, online: bool = False) -> list[Finding]:
    """Return the findings of all checks; `online` asks OpenRouter once for the key and the clock."""
    findings = [*_python(), *_packages()]
    try:
        settings = load_settings()
        planner.chosen_sources(settings, for_backfill=False)
    except UsageError as error:
        return [*findings, Finding("settings", State.FAILED, str(error), "Mend the variable, or unset it.")]
    findings += _settings(settings)
    patient = _Patient(settings)
    # Asked first: what OpenRouter says of the key now overrules what it said before.
    asked = _guarded("online", _online, patient) if online else []
    for name, check in CHECKS.items():
        findings += _guarded(name, check, patient)
    return [*findings, *asked, *_guarded("prefect", _prefect, patient)]


def tables(findings: Iterable[Finding]) -> list[Table]:
    """Return what was found for the screen, and below it what mends it."""
    findings = list(findings)
    ills = [[one.check, one.mend] for one in findings if one.mend]
    found = Table("", ["check", "state", "found"], [[one.check, one.state, one.found] for one in findings])
    return [found, Table("To mend", ["check", "do"], ills)] if ills else [found]


class _Patient:
    """What several checks look at, read once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.archive = Archive(settings.archive_dir)
        self.is_key_accepted = False

    @cached_property
    def fetches(self) -> list[Fetch] | None:
        """Rows of the manifest; None where one is damaged, which the check of the archive names."""
        try:
            return list(self.archive.fetches())
        except TokenGrowthError:
            return None

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """Ask the warehouse."""
        with opened_to_look(self.settings.warehouse_path) as connection:
            return rows_of(connection, sql)


Check = Callable[[_Patient], Iterable[Finding]]


def _guarded(name: str, check: Check, patient: _Patient) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check(patient))
    except LockedError:
        found.append(Finding(name, State.SKIPPED, "A run has the warehouse open.", "Ask again when it has finished."))
    except TokenGrowthError as error:
        found.append(Finding(name, State.FAILED, str(error), "Do what the sentence says."))
    except OSError as error:
        where = error.filename or "The system"
        found.append(Finding(name, State.FAILED, f"{where}: {error.strerror or error}.", "Give this user access."))
    except sqlite3.Error as error:
        where = patient.settings.state_dir
        found.append(Finding(name, State.FAILED, f"{where}: {error}.", "Give this user access to the state directory."))
    except (KeyError, TypeError, ValueError) as error:
        mend = "Use one version of all that works on it."
        found.append(Finding(name, State.FAILED, f"What was read is not understood ({error!r}).", mend))
    return found


def _python() -> Iterator[Finding]:
    needed = SpecifierSet(str(metadata(APP_NAME)["Requires-Python"]))
    running = platform.python_version()
    is_fit = needed.contains(running, prereleases=True)
    mend = "" if is_fit else "Install it anew with such a Python: `make install`."
    yield Finding("python", _state(is_fit), f"Python {running}, {needed} is needed.", mend)


def _packages() -> Iterator[Finding]:
    needed = [Requirement(line) for line in requires(APP_NAME) or ()]
    needed = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    ills = [ill for one in needed if (ill := _unfit(one))]
    if ills:
        yield Finding("packages", State.FAILED, " ".join(ills), "Install the locked versions again: `make install`.")
    else:
        yield Finding("packages", State.OK, f"{len(needed)} packages are as {APP_NAME} {version(APP_NAME)} needs them.")


def _unfit(needed: Requirement) -> str | None:
    why = f", as {PAST_PINS[needed.name]}" if needed.name in PAST_PINS else ""
    try:
        there = version(needed.name)
    except PackageNotFoundError:
        return f"{needed.name} is not installed."
    if needed.specifier.contains(there, prereleases=True):
        return None
    return f"{needed.name} {there} is installed, {needed.specifier} is needed{why}."


def _settings(settings: Settings) -> Iterator[Finding]:
    from pipeline.http import proxy_of

    unknown = unknown_variables()
    if unknown:
        found = f"{', '.join(unknown)}: no such setting."
        yield Finding("settings", State.WARNING, found, "`tokengrowth docs settings` lists those that there are.")
    else:
        yield Finding("settings", State.OK, f"All valid; the home is {settings.home.absolute()}.")
    proxy = proxy_of(settings.base_url)
    how = f"through the proxy {proxy}" if proxy else "through no proxy"
    yield Finding("network", State.OK, f"{settings.base_url} is asked {how}.")


def _clock(patient: _Patient) -> Iterator[Finding]:
    settings = patient.settings
    last = max(patient.fetches or (), key=lambda fetch: fetch.fetched_at, default=None)
    newest = last.fetched_at if last else None
    if last and last.is_simulated and not settings.fixed_now:
        yield Finding("clock", State.SKIPPED, "The archived answers are simulated, with a clock of their own.")
    elif newest and settings.now() < datetime.fromisoformat(newest) - timedelta(minutes=1):
        yield Finding(
            "clock",
            State.WARNING,
            f"It is {_instant(settings.now())}, before the newest archived answer of {newest[:16]}Z.",
            "Set the clock (TOKENGROWTH_NOW, or that of the machine), unless this is a replay that goes back.",
        )
    elif settings.fixed_now:
        found = f"It stands at {_instant(settings.now())}, by TOKENGROWTH_NOW."
        yield Finding("clock", State.WARNING, found, "Unset TOKENGROWTH_NOW, unless this is a replay.")
    else:
        yield Finding("clock", State.OK, f"It is {_instant(settings.now())}.")


def _key(patient: _Patient) -> Iterator[Finding]:
    if patient.settings.api_key is None:
        found = f"OPENROUTER_API_KEY is not set; only flows can find a key, in Prefect's block {KEY_BLOCK}."
        yield Finding("key", State.OK, found)
        return
    if patient.is_key_accepted:
        yield Finding("key", State.OK, "OPENROUTER_API_KEY is set, and OpenRouter accepts it.")
        return
    if patient.settings.warehouse_path.exists():
        keyed = ", ".join(f"'{source.name}'" for source in SOURCES.values() if source.needs_key)
        last: list[dict[str, Any]] = []
        with suppress(TokenGrowthError):  # the check of the warehouse says why
            last = patient.ask(
                "select fetched_at, message from meta.loads "  # noqa: S608
                f"where source in ({keyed}) and origin is null order by fetched_at desc, rowid desc limit 1"
            )
        if last and KEY_REFUSED in (last[0]["message"] or ""):
            found = f"{last[0]['message']} That was at {_instant(last[0]['fetched_at'])}."
            yield Finding("key", State.FAILED, found, "Set a valid OPENROUTER_API_KEY; `--online` asks with it.")
            return
    yield Finding("key", State.OK, "OPENROUTER_API_KEY is set, and its last use, if any, was not refused.")


def _quota(patient: _Patient) -> Iterator[Finding]:
    settings = patient.settings
    quota = Quota.of(settings)
    if quota is None:
        yield Finding("quota", State.SKIPPED, "Nothing counts without a key.")
        return
    try:
        with opened_to_look(settings.warehouse_path) as connection:
            needed = jobs.calls_of_run(settings, partial(held_of, connection))
    except LockedError:
        raise
    except TokenGrowthError:  # there is none yet, or the check of the warehouse says why
        needed = jobs.calls_of_run(settings)
    used = quota.used_today()
    found = f"{used} of today's {settings.requests_per_day} requests are used; today's run still takes up to {needed}."
    is_enough = settings.requests_per_day - used >= max(1, needed)
    mend = "" if is_enough else "Wait until 00:00 UTC, or raise TOKENGROWTH_REQUESTS_PER_DAY if the key allows more."
    yield Finding("quota", State.OK if is_enough else State.WARNING, found, mend)


def _disk(patient: _Patient) -> Iterator[Finding]:
    settings = patient.settings
    places = {"TOKENGROWTH_HOME": settings.home, "TOKENGROWTH_STATE_DIR": settings.state_dir}
    if settings.api_key is None:  # nothing is counted there
        del places["TOKENGROWTH_STATE_DIR"]
    there = {name: _nearest(place.absolute()) for name, place in places.items()}
    for name, place in there.items():
        if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
            mend = f"Give this user the folder, or set {name} to one that it can write."
            yield Finding("disk", State.FAILED, f"{place} cannot be written by this user.", mend)
    home = there["TOKENGROWTH_HOME"]
    free = shutil.disk_usage(home).free
    # A rebuild writes a second warehouse and its log beside the first, publishing a second file.
    needed = 3 * _size(settings.warehouse_path) + 2 * _size(settings.published_path.parent) + MARGIN_BYTES
    found = f"{megabytes(free)} are free in {home}; a rebuild takes up to {megabytes(needed)}."
    mend = "" if free >= needed else "Free some of the disk, or move the home and set TOKENGROWTH_HOME."
    yield Finding("disk", _state(free >= needed), found, mend)


def _lock(patient: _Patient) -> Iterator[Finding]:
    home, is_writing = patient.settings.home, jobs.is_writing(patient.settings)
    if is_writing is None:
        yield Finding("lock", State.SKIPPED, f"Who cannot write to {home} cannot tell whether a run does.")
    elif is_writing:
        mend = "Wait for it; if no run is at work, end the process that holds the lock."
        yield Finding("lock", State.WARNING, f"A run is writing to {home}.", mend)
    else:
        yield Finding("lock", State.OK, "No run is writing.")


def _archive(patient: _Patient) -> Iterator[Finding]:
    if not patient.settings.archive_dir.exists():
        yield Finding("archive", State.SKIPPED, "Nothing is archived yet.", "`tokengrowth run` begins.")
        return
    if jobs.is_writing(patient.settings):
        yield Finding("archive", State.SKIPPED, "A run is writing to it.", "Ask again when it has finished.")
        return
    damages = list(patient.archive.verify())
    if damages:
        lost = sum(len(one.fetches) for one in damages)
        of_all = f" of {len(patient.fetches)}" if patient.fetches is not None else ""
        first = " ".join(one.reason for one in damages[:SHOWN])
        is_written_off = all(one.fetches for one in damages) and not _held(patient, damages)
        mend = (
            "Restore these files from a backup, then `tokengrowth rebuild`; `tokengrowth backfill --force` asks again "
            "for days that can be had."
        )
        if patient.fetches is None:
            mend = "Restore the manifest from a backup: until then every command that writes stops there."
        yield Finding(
            "archive",
            State.WARNING if is_written_off else State.FAILED,
            f"Damaged files: {len(damages)}; answers lost with them: {lost}{of_all}"
            f"{', of which no table has rows' if is_written_off else ''}. {first}",
            mend,
        )
        return
    fetches = patient.fetches or ()
    bodies = len({fetch.sha256 for fetch in fetches})
    files = [*patient.archive.objects(), *patient.archive.packs()]
    unused, leftovers = len(patient.archive.unreferenced(fetches)), len(patient.archive.leftovers())
    yield Finding(
        "archive",
        State.OK,
        f"{len(fetches):,} answers in {bodies:,} bodies ({megabytes(sum(map(_size, files)))}) are as they were "
        f"received; {unused} unreferenced objects, {leftovers} leftovers.",
    )


def _held(patient: _Patient, damages: Iterable[Damage]) -> set[str]:
    """Return the damaged answers whose rows only the warehouse holds; all of them where it does not tell."""
    damaged = {fetch.load_id for one in damages for fetch in one.fetches}
    try:
        read = {row["load_id"] for row in patient.ask("select load_id from meta.loads where outcome <> 'refused'")}
    except LockedError:
        raise
    except TokenGrowthError:
        return damaged
    return damaged & read


def _warehouse(patient: _Patient) -> Iterator[Finding]:
    if not patient.settings.warehouse_path.exists():
        is_lost = bool(patient.fetches)
        found = "There is none." if is_lost else "There is none yet."
        mend = "The next `tokengrowth run` makes it from the archive." if is_lost else "`tokengrowth run` begins."
        yield Finding("warehouse", State.FAILED if is_lost else State.SKIPPED, found, mend)
        return
    try:
        with opened_to_look(patient.settings.warehouse_path) as connection:
            layout, maker = layout_of(connection)
            landed = landed_in(connection)
        builds = patient.ask(
            "select build_id, is_successful, built_at, models, checks, message, program_version "
            "from meta.builds order by rowid desc limit 1"
        )
    except LockedError:
        raise
    except TokenGrowthError as error:
        mend = "The next `tokengrowth run` sets it aside and makes it anew from the archive."
        yield Finding("warehouse", State.FAILED, str(error), mend)
        return
    if layout != LAYOUT_VERSION:
        mend = "The next `tokengrowth run` makes it anew from the archive." if layout < LAYOUT_VERSION else UPGRADE
        state = State.WARNING if layout < LAYOUT_VERSION else State.FAILED
        yield Finding("warehouse", state, f"It was made by {maker} (layout {layout}, not {LAYOUT_VERSION}).", mend)
        return
    if patient.fetches is None:
        found = "It opens; what it holds is not compared with the archive, whose manifest is damaged."
        yield Finding("warehouse", State.SKIPPED, found)
    else:
        yield _archived_and_landed({fetch.load_id for fetch in patient.fetches}, landed)
    yield _last_build(builds)


def _archived_and_landed(archived: set[str], landed: dict[str, str]) -> Finding:
    if lost := jobs.rows_lost(archived, landed):
        mend = "Restore archive/manifest from a backup; `tokengrowth rebuild` refuses to drop what it does not name."
        return Finding("warehouse", State.FAILED, f"{lost}.", mend)
    if not_read := archived - landed.keys():
        found = f"{len(not_read)} of {len(archived)} archived answers were not read yet."
        return Finding("warehouse", State.WARNING, found, "`tokengrowth build` reads them.")
    return Finding("warehouse", State.OK, f"It opens, and holds the same {len(landed):,} answers as the archive.")


def _last_build(builds: list[dict[str, Any]]) -> Finding:
    if not builds:
        return Finding("build", State.SKIPPED, "Nothing was built yet.", "`tokengrowth run` builds.")
    last = builds[0]
    if last["is_successful"]:
        done = f"{last['models']} models, {last['checks']} checks, all passed"
        return Finding("build", State.OK, f"{_instant(last['built_at'])} by {last['program_version']}: {done}.")
    mend = "`tokengrowth build` tries again and names the rows; what was published before stays until it succeeds."
    return Finding("build", State.FAILED, f"{_instant(last['built_at'])}: {last['message']}", mend)


def _published(patient: _Patient) -> Iterator[Finding]:
    settings, rebuild = patient.settings, "`tokengrowth build` publishes it anew."
    if not settings.published_path.exists():
        is_lost, command = settings.warehouse_path.exists(), publisher(settings)
        mend = f"`tokengrowth {command}` {'begins' if command == 'run' else 'publishes it anew'}."
        found = f"{settings.published_path} is not there{'' if is_lost else ' yet'}."
        yield Finding("published", State.FAILED if is_lost else State.SKIPPED, found, mend)
        return
    there = published_build_id(settings)
    if there is None:
        yield Finding("published", State.FAILED, f"{settings.published_path} cannot be read.", rebuild)
        return
    try:
        with published(settings) as connection:
            built_at = last_build(connection)["built_at"]
            marts = read_whole(connection)
    except DamagedError as error:
        yield Finding("published", State.FAILED, str(error), rebuild)
        return
    lacking = sorted(name for name in marts if not _is_whole_parquet(settings.parquet_dir / f"{name}.parquet"))
    if lacking:
        found = f"{len(lacking)} of {len(marts)} Parquet files are missing or cut: {', '.join(lacking[:SHOWN])}."
        yield Finding("published", State.FAILED, found, rebuild)
    age = settings.now().replace(tzinfo=None) - built_at
    ago = f", {age / timedelta(hours=1):.0f} hours ago" if age >= timedelta(0) else ""
    found = f"Built {_instant(built_at)}{ago}, with {len(marts)} tables."
    if age > MAX_AGE:
        yield Finding("published", State.WARNING, found, "`tokengrowth run`; then look why the schedule did not.")
    elif not lacking:
        yield Finding("published", State.OK, found)
    if settings.warehouse_path.exists():
        last: dict[str, Any] = {}
        # The check of the warehouse says why it cannot be read.
        with suppress(TokenGrowthError), opened_to_look(settings.warehouse_path) as connection:
            last = last_build(connection)
        if last.get("build_id", there) != there:
            yield Finding("published", State.WARNING, "The last build is not published.", "`tokengrowth run` does it.")


def _is_whole_parquet(path: Path) -> bool:
    """Tell whether a Parquet file has its last bytes, which are written last."""
    try:
        with path.open("rb") as file:
            file.seek(-4, os.SEEK_END)
            return file.read() == b"PAR1"
    except OSError:
        return False


def _sources(patient: _Patient) -> Iterator[Finding]:
    settings = patient.settings
    if published_build_id(settings) is None:
        yield Finding("sources", State.SKIPPED, "Nothing is published that could tell.")
        return
    # Not only those of the key in this environment: a flow may have read others with a key of Prefect's.
    wanted = planner.preferred(settings) or SOURCES
    with published(settings) as connection:
        health = [row for row in rows_of(connection, "from rpt_source_health") if row["source"] in wanted]
    for row in health:
        if ill := _ill(row):
            yield ill
    fit = sum(row["verdict"] == "ok" for row in health)
    found = f"{fit} of {len(health)} sources were fresh and as usual at the last build."
    if fit == len(health):
        yield Finding("sources", State.OK, found)
    else:
        yield Finding("sources", State.WARNING, found, "See the others, one by one.")


def _ill(row: dict[str, Any]) -> Finding | None:
    name = f"source {row['source']}"
    match row["verdict"]:
        case "stale":
            found = f"{row['due_date']} was due and is not held; the newest that is: {row['newest_date'] or 'none'}."
            return Finding(name, State.FAILED, found, "`tokengrowth run` asks again; `status` shows which dates lack.")
        case "refused":
            mend = "`tokengrowth run` asks again. If it stays, the source has changed: a newer version may read it."
            if KEY_REFUSED in (row["last_refusal"] or ""):
                mend = "`tokengrowth run` asks again with a valid OPENROUTER_API_KEY."
            return Finding(name, State.FAILED, f"{row['last_refusal']}", mend)
        case "drifted":
            mend = "Nothing is lost; a newer version may know it, and `tokengrowth rebuild` reads it then."
            return Finding(name, State.WARNING, f"{row['warning']} Since {_instant(row['warned_since'])}.", mend)
        case "unusual volume":
            found = (
                f"{row['rows_per_part']:,.4g} rows a date and part on {row['fetched_date']}, {row['volume_ratio']:.2f} "
                f"times the median of {row['compared_days']} earlier days."
            )
            return Finding(name, State.WARNING, found, "Compare with OpenRouter's own page before you use the figures.")
    return None


def _online(patient: _Patient) -> Iterator[Finding]:
    """Ask OpenRouter once: for a day of the rankings, which counts, or without a key for the providers."""
    from pipeline.http import Client

    settings = patient.settings.model_copy(update={"attempts": 1})
    day = str(planner.last_complete_day(settings.now()))
    has_key = settings.api_key is not None
    path, window = "/api/v1/providers", {}
    if has_key:
        path, window = "/api/v1/datasets/rankings-daily", {"start_date": day, "end_date": day}
    try:
        answer = Client(settings).get(path, window, with_key=has_key)
    except QuotaReachedError as error:
        yield Finding("online", State.SKIPPED, str(error), "Ask again after 00:00 UTC.")
        return
    except ClockError as error:
        yield Finding("skew", State.FAILED, str(error), "Synchronise the clock (NTP).")
        return
    except SourceError as error:
        yield Finding("online", State.FAILED, str(error), "Look at the network, the proxy and OPENROUTER_BASE_URL.")
        return
    cost = "one request of today's is used" if has_key else "no key, no request counted"
    is_refused = answer.status in (401, 403)
    patient.is_key_accepted = has_key and answer.status == 200
    mend = "Set a valid OPENROUTER_API_KEY, or unset it to read the keyless sources only." if is_refused else ""
    yield Finding(
        "online",
        State.OK if answer.status == 200 else State.FAILED,
        f"OpenRouter answered HTTP {answer.status}{', the key is refused' if is_refused else ''}; {cost}.",
        mend or ("" if answer.status == 200 else "Try again later."),
    )
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        yield Finding("skew", State.SKIPPED, "The answer does not tell the time.")
        return
    skew = datetime.now(UTC) - theirs
    is_right = abs(skew) <= MAX_SKEW
    direction = "behind" if skew < timedelta(0) else "ahead"
    found = f"The clock of this machine is {abs(skew).total_seconds():,.0f} s {direction}."
    yield Finding("skew", _state(is_right), found, "" if is_right else "Synchronise the clock (NTP).")


def _prefect(patient: _Patient) -> Iterator[Finding]:
    from pipeline.http import ask_prefect

    api_url = os.environ.get("PREFECT_API_URL")
    if api_url == "":
        found = "PREFECT_API_URL is set and empty, which hides that of a Prefect profile: no schedule is found."
        yield Finding("prefect", State.FAILED, found, "`unset PREFECT_API_URL`, or set it to the API of the server.")
        return
    if not api_url:
        found = "PREFECT_API_URL is not set: no schedule is looked at."
        yield Finding("prefect", State.SKIPPED, found)
        return
    auth = os.environ.get("PREFECT_API_AUTH_STRING")

    def ask(path: str, question: dict[str, Any] | None = None) -> Any:
        return ask_prefect(api_url, path, question, auth)

    try:
        health, theirs = ask("/health"), ask("/admin/version")
    except SourceError as error:
        yield Finding("prefect", State.FAILED, str(error), "Start the server (`deploy/up`), or mend its URL.")
        return
    if health is None or theirs is None:
        mend = "Mend PREFECT_API_URL, which ends in /api, as in http://127.0.0.1:4200/api."
        yield Finding("prefect", State.FAILED, "There is a server at PREFECT_API_URL, but no API of Prefect.", mend)
        return
    yield _server(health is True, str(theirs))
    yield _pool(ask(f"/work_pools/{POOL}"))
    ours = {"tags": {"all_": [TAG]}}
    deployed = {one["name"]: one for one in ask("/deployments/filter", {"deployments": ours}) or ()}
    yield _deployments(deployed)
    if daily := deployed.get(DAILY):
        question = {
            "deployments": {"id": {"any_": [daily["id"]]}},
            "flow_runs": {"state": {"type": {"not_any_": ["SCHEDULED"]}}},
            "sort": "EXPECTED_START_TIME_DESC",
            "limit": 1,
        }
        yield _newest_run(ask("/flow_runs/filter", question) or [])
    yield _dead_and_late(ask)
    is_enabled = {one["name"]: bool(one["enabled"]) for one in ask("/automations/filter", {}) or ()}
    yield _zombies(is_enabled.get(ZOMBIES), ask("/admin/settings"))
    yield _alerts(is_enabled.get(ALERTS))


def _zombies(is_enabled: bool | None, settings: dict[str, Any] | None) -> Finding:
    if not is_enabled:
        found = f"{'No' if is_enabled is None else 'No enabled'} automation is named {ZOMBIES!r}."
        mend = "`deploy/setup` makes it" if is_enabled is None else f"`prefect automation resume {ZOMBIES!r}`"
        return Finding("automation", State.WARNING, found, f"{mend}: without it a dead run holds the schedule.")
    # A server that does not tell its settings is not blamed.
    memory = settings["server"]["events"]["expired_bucket_buffer"] if settings else MEMORY
    if TypeAdapter(timedelta).validate_python(memory) >= MEMORY:
        return Finding("automation", State.OK, "Runs whose process is gone are ended.")
    found = "The server forgets early which runs it waits for: one that was cut off together with it is not ended."
    mend = "Start the server in the folder of this program's pyproject.toml, or with "
    return Finding("automation", State.WARNING, found, f"{mend}PREFECT_SERVER_EVENTS_EXPIRED_BUCKET_BUFFER=P365D.")


def _alerts(is_enabled: bool | None) -> Finding:
    if is_enabled:
        return Finding("alerts", State.OK, "Alerts of flows are sent to the webhook.")
    if is_enabled is None:
        return Finding("alerts", State.SKIPPED, f"No automation is named {ALERTS!r}: no webhook is told.")
    return Finding("alerts", State.WARNING, f"{ALERTS!r} is paused.", f"`prefect automation resume {ALERTS!r}`")


def _server(is_healthy: bool, theirs: str) -> Finding:
    ours = version("prefect")
    if not is_healthy:
        return Finding("prefect", State.FAILED, "The server says that it is not healthy.", "Look at the server's log.")
    if theirs == ours:
        return Finding("prefect", State.OK, f"The server is healthy and has version {theirs}, as here.")
    mend = "Use one version for both; upgrade the server first."
    return Finding("prefect", State.WARNING, f"The server has version {theirs}, this program {ours}.", mend)


def _pool(pool: dict[str, Any] | None) -> Finding:
    if pool is None:
        mend = "`deploy/setup` makes it."
        return Finding("work pool", State.FAILED, f"There is no work pool {POOL}.", mend)
    if pool.get("is_paused"):
        return Finding("work pool", State.FAILED, f"{POOL} is paused.", f"`prefect work-pool resume {POOL}`")
    is_ready = pool.get("status") == "READY"
    found = f"{POOL} is {str(pool.get('status') or 'of unknown state').lower().replace('_', ' ')}."
    mend = "" if is_ready else f"No worker polls: `prefect worker start --pool {POOL}`"
    return Finding("work pool", _state(is_ready), found, mend)


def _deployments(deployed: dict[str, dict[str, Any]]) -> Finding:
    lacking = sorted(DEPLOYMENTS - deployed.keys())
    if lacking:
        found = f"Not deployed: {', '.join(lacking)}."
        return Finding("deployments", State.FAILED, found, "`deploy/setup` deploys them.")
    daily = deployed[DAILY]
    active = [one for one in daily.get("schedules") or () if one.get("active")]
    if daily.get("paused"):
        return Finding("deployments", State.FAILED, "The deployment daily is paused.", "`deploy/setup` resumes it.")
    if not active:
        ids = [one["id"] for one in daily.get("schedules") or ()]
        resume = ", ".join(f"`prefect deployment schedule resume {DAILY_FLOW} {one}`" for one in ids)
        mend = resume or "`deploy/setup` makes its schedules."
        return Finding("deployments", State.FAILED, "The deployment daily has no active schedule.", mend)
    return Finding(
        "deployments", State.OK, f"{', '.join(sorted(DEPLOYMENTS))}; daily has {len(active)} active schedule."
    )


def _newest_run(runs: list[dict[str, Any]]) -> Finding:
    again = f"`prefect deployment run {DAILY_FLOW}`"
    if not runs:
        return Finding("daily run", State.WARNING, "None has started yet.", again)
    run = runs[0]
    started = datetime.fromisoformat((run["start_time"] or run["expected_start_time"]).replace("Z", "+00:00"))
    age = datetime.now(UTC) - started
    found = f"{run['state_name']}, begun {age / timedelta(hours=1):.1f} hours ago."
    if run["state_type"] in ("FAILED", "CRASHED", "CANCELLED"):
        return Finding("daily run", State.FAILED, found, f"Read its log in Prefect, then {again}.")
    if age > MAX_AGE:
        return Finding("daily run", State.WARNING, found, f"See whether a worker polls, then {again}.")
    is_whole = run["state_name"] in ("Completed", "Superseded", "Running", "Pending")
    mend = "" if is_whole else "The run's message names the source; the next run asks again."
    return Finding("daily run", State.OK if is_whole else State.WARNING, found, mend)


def _dead_and_late(ask: Callable[[str, dict[str, Any]], Any]) -> Finding:
    """Judge the runs that hold the work pool, and those that wait for it; the automation is given its time."""
    earlier = datetime.now(UTC) - 2 * SILENCE

    def runs(state: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = {"tags": {"all_": [TAG]}, "state": state}
        return ask("/flow_runs/filter", {"flow_runs": wanted, "sort": "EXPECTED_START_TIME_ASC"}) or []

    def is_dead(run: dict[str, Any]) -> bool:
        heartbeats = {
            "event": {"name": ["prefect.flow-run.heartbeat"]},
            "resource": {"id": [f"prefect.flow-run.{run['id']}"]},
            "occurred": {"since": earlier.isoformat()},
        }
        if datetime.fromisoformat(run["state"]["timestamp"]) > earlier:
            return False
        return not (ask("/events/filter", {"filter": heartbeats, "limit": 1}) or {}).get("events")

    begun = runs({"type": {"any_": ["RUNNING", "PENDING"]}})
    dead = [run for run in begun if is_dead(run)]
    due = [(run, datetime.fromisoformat(run["expected_start_time"])) for run in runs({"name": {"any_": ["Late"]}})]
    late = [(run["name"], since) for run, since in due if since < earlier]
    minutes = 2 * SILENCE / timedelta(minutes=1)
    found = [
        f"{run['name']} is {run['state']['name']}, and nothing was heard of it for {minutes:.0f} minutes or more: "
        "its process is gone."
        for run in dead
    ]
    mend = ", ".join(f"`prefect flow-run delete {run['id']}`" for run in dead)
    if late:
        names = ", ".join(name for name, _ in late[:SHOWN])
        found.append(f"{len(late)} late, since {_instant(late[0][1])}: {names}.")
        if begun:
            mend = mend or f"Wait for {begun[0]['name']}, or `prefect flow-run cancel {begun[0]['id']}`"
        else:
            mend = f"No worker takes them: `prefect worker start --pool {POOL}`, or see in its log why."
    state = State.FAILED if dead else State.WARNING if late else State.OK
    return Finding("runs", state, " ".join(found) or "None is dead, none is late.", mend)


CHECKS: dict[str, Check] = {
    "clock": _clock,
    "key": _key,
    "quota": _quota,
    "disk": _disk,
    "lock": _lock,
    "archive": _archive,
    "warehouse": _warehouse,
    "published": _published,
    "sources": _sources,
}


def _state(is_ok: bool) -> State:
    return State.OK if is_ok else State.FAILED


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _nearest(path: Path) -> Path:
    """Return what is there of a path: itself, or the folder in which it would be made."""
    return next(one for one in (path, *path.parents) if one.exists())


def _size(path: Path) -> int:
    """Return the bytes of a file, or of the files below a folder; 0 where there is none."""
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return path.stat().st_size if path.exists() else 0
