"""The commands. They call the same functions as the flows, without Prefect, and end with one summary line."""

from __future__ import annotations

import codecs
import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from pipeline.errors import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_USAGE,
    BuildFailedError,
    TokenGrowthError,
    UsageError,
    is_interruption,
)
from pipeline.rendering import Format, PictureFormat, Table, Theme, plain_letter, to_json

if TYPE_CHECKING:
    from pipeline.explanation import Explained, Ledger
    from pipeline.jobs import Plan, Step
    from pipeline.outcome import Outcome
    from pipeline.planner import SourcePlan
    from pipeline.reading import Shown
    from pipeline.retention import Report
    from pipeline.settings import Settings
    from pipeline.trend import Trend
    from pipeline.watch import Alert

# Nothing heavy is imported above: `tokengrowth --help` answers at once.

app = typer.Typer(
    name="tokengrowth",
    help="Daily token growth tables from OpenRouter's published rankings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Add --debug to any command to see the traceback of an error.",
)

archive = typer.Typer(help="Verify, compact and copy the archive of all answers.", no_args_is_help=True)
app.add_typer(archive, name="archive")

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", help="Source to read; may be repeated. Default: all that can be read."),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the table.")]
DAY = ["%Y-%m-%d"]
MAX_ROWS = 1_000_000
DEMO_SEED = 7
# Nobody is spared by a wait on loopback.
DEMO_REQUESTS_PER_MINUTE = 100_000
EXIT_STOPPED = 130
STOPPED = "Stopped. What was archived is kept; the next run goes on from there."


@app.command()
def run(
    sources: Sources = None,
    date_: Annotated[
        datetime | None, typer.Option("--date", formats=DAY, help="Newest day wanted. Default: yesterday, UTC.")
    ] = None,
    json: Json = False,
) -> int:
    """Fetch what is missing, build the growth tables, publish them: the daily job."""
    from pipeline import jobs

    settings = _settings()
    target = date_.date() if date_ else None
    with _working(settings) as step:
        outcome = jobs.run(settings, sources or (), target, step)
    return _finish_job(settings, outcome, json, shows_growth=True)


@app.command()
def backfill(
    start_date: Annotated[
        datetime | None, typer.Option(formats=DAY, help="First day wanted. Default: 2025-01-01.")
    ] = None,
    end_date: Annotated[
        datetime | None, typer.Option(formats=DAY, help="Last day wanted. Default: yesterday, UTC.")
    ] = None,
    sources: Sources = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch held days again; both vintages are kept.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the requests by source; make none.")] = False,
    json: Json = False,
) -> int:
    """Load the days of a window that are not held. Run it again to go on where it stopped."""
    from pipeline import jobs

    settings = _settings()
    start, end = (moment.date() if moment else None for moment in (start_date, end_date))
    if dry_run:
        plan_ = jobs.plan(settings, start, end, sources or (), force=force)
        return _print_plan(plan_, json, {"backfill": plan_.backfill})
    with _working(settings) as step:
        outcome = jobs.backfill(settings, start, end, sources or (), force=force, step=step)
    return _finish_job(settings, outcome, json, shows_growth=False)


@app.command()
def plan(json: Json = False) -> int:
    """Print the requests of the next run and of a whole backfill by source, and when the backfill will be done."""
    from pipeline import jobs

    plan_ = jobs.plan(_settings())
    return _print_plan(plan_, json, {"run": plan_.run, "backfill": plan_.backfill})


def _print_plan(plan: Plan, json: bool, parts: dict[str, list[SourcePlan]]) -> int:
    from pipeline.sources import SOURCES

    def count(plans: Sequence[SourcePlan]) -> str:
        expected, at_most = sum(one.expected for one in plans), sum(one.at_most for one in plans)
        if any(one.is_open for one in plans):
            return f"{expected:,} or more"
        return f"{expected:,}" if expected == at_most else f"{expected:,}, at most {at_most:,}"

    names = dict.fromkeys(one.source.name for plans in parts.values() for one in plans)
    rows = []
    for name in names:
        mine = {part: [one for one in plans if one.source.name == name] for part, plans in parts.items()}
        source = SOURCES[name]
        dates = [day for plans in mine.values() for one in plans for day in one.dates]
        window = f"{min(dates)} to {max(dates)}" if dates else "-"
        counts = [count(plans) if plans else "-" for plans in mine.values()]
        rows.append([name, "yes" if source.needs_key else "no", str(source.cadence), *counts, window])
    is_open = any(one.is_open for plans in parts.values() for one in plans)
    note = "or more: one call for each model, or capture, that the calls above it find new" if is_open else ""
    table = Table("", ["source", "key", "cadence", *parts, "dates"], rows, note)
    totals = [f"{part} {count(plans)} requests" for part, plans in parts.items()]
    quota = "none of them counts without a key"
    if plan.calls_a_day:
        quota = f"{plan.used_today} of today's {plan.per_day} are used, {plan.kept_calls} kept for the daily run"
        if any(one.requests for one in plan.backfill):
            quota += (
                f"; a backfill that is started every day is done by {plan.done_on}"
                if plan.done_on
                else "; that is more than today's, and with --force each day begins anew: name fewer days or sources"
            )
    calls = {
        part: [{"source": one.source.name, "call": str(call)} for one in plans for call in one.requests]
        for part, plans in parts.items()
    }
    facts = {
        "requests": {
            part: {
                one.source.name: {"expected": one.expected, "at_most": None if one.is_open else one.at_most}
                for one in plans
            }
            for part, plans in parts.items()
        },
        "calls": calls,
        "requests_per_day": plan.per_day,
        "used_today": plan.used_today,
        "kept_for_daily_run": plan.kept_calls,
        "left_today": plan.left_today,
        "done_on": plan.done_on,
    }
    _print(json, facts, [table], f"plan: {', '.join(totals)}; {quota}; none was made")
    return EXIT_OK


@app.command(name="import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Saved answers, export files or rankings pages; gzip too.")],
    origin: Annotated[str, typer.Option(help="Where they come from: the URL with its parameters, or words.")],
    retrieved_at: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"], help="When they were retrieved, UTC."),
    ],
    json: Json = False,
) -> int:
    """Land files that someone saved, recognised by content; what the pipeline fetched itself wins over them."""
    from pipeline import jobs

    settings = _settings()
    with _working(settings) as step:
        outcome = jobs.import_files(settings, files, origin, retrieved_at.replace(tzinfo=UTC), step)
    return _finish_job(settings, outcome, json, shows_growth=False)


@app.command()
def rebuild(
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Do without damaged or lost answers that no backup brings back.")
    ] = False,
    json: Json = False,
) -> int:
    """Drop the warehouse and rebuild it from the archive alone, without the network."""
    from pipeline import jobs

    settings = _settings()
    with _working(settings) as step:
        outcome = jobs.rebuild(settings, step, accepts_loss=accept_loss)
    return _finish_job(settings, outcome, json, shows_growth=False)


@app.command()
def build(
    select: Annotated[
        list[str] | None,
        typer.Option("--select", help="Model to build; +name adds what it reads, name+ what reads it. Repeatable."),
    ] = None,
    json: Json = False,
) -> int:
    """Build and check the SQL models from what is landed; publish them unless --select names a part."""
    from pipeline import jobs

    settings = _settings()
    with _working(settings):
        outcome = jobs.build(settings, select or ())
    if outcome.build is None:
        raise TokenGrowthError(f"{settings.home} holds no rankings to build from; run `tokengrowth run` first.")
    code = _finish_job(settings, outcome, json, shows_growth=False)
    return EXIT_OK if select else code


@app.command()
def check(json: Json = False) -> int:
    """Check the tables of the warehouse as they are."""
    from pipeline import jobs
    from pipeline.models import require_passed

    checked = jobs.check(_settings())
    rows = [[one.model, one.check_name, one.offending_rows] for one in checked]
    failed = [one for one in checked if one.offending_rows]
    table = Table("", ["model", "check", "offending rows"], rows)
    summary = f"check: {len(checked) - len(failed)} of {len(checked)} checks passed"
    _print(json, {"checks": [dict(zip(table.columns, row, strict=True)) for row in rows]}, [table], summary)
    require_passed(checked)
    return EXIT_OK


@app.command()
def show(
    dimension: Annotated[
        str, typer.Argument(help="total, author, organisation, model, app, price_class, …; `dim_dimension` has all.")
    ] = "total",
    date_: Annotated[datetime | None, typer.Option("--date", formats=DAY, help="UTC day. Default: the newest.")] = None,
    top: Annotated[
        int, typer.Option(min=1, max=MAX_ROWS, help="Rows: days of the total, else the largest entities.")
    ] = 14,
    form: FormatOption = Format.TABLE,
    json: Json = False,
) -> int:
    """Print growth from the published file: bounds or `new` where the source does not show the value."""
    from pipeline import reading

    shown = reading.show(_settings(), dimension, date_.date() if date_ else None, top)
    return _print_read(shown, form, json)


@app.command()
def explain(
    date_: Annotated[datetime | None, typer.Option("--date", formats=DAY, help="UTC day. Default: the newest.")] = None,
    window: Annotated[int, typer.Option(help="Days to explain, against as many before: 7 or 28.")] = 7,
    by: Annotated[
        str,
        typer.Option(help="organisation, author, model, app, context, price, or any dimension that parts all tokens."),
    ] = "organisation",
    top: Annotated[
        int,
        typer.Option(min=1, max=MAX_ROWS, help="Largest steps to show, the others in one line; JSON and CSV hold all."),
    ] = 10,
    form: FormatOption = Format.TABLE,
    json: Json = False,
) -> int:
    """Print where the growth of a window came from, as steps that add up, and name the events behind it."""
    from pipeline import explanation

    explained = explanation.explain(_settings(), date_.date() if date_ else None, window, by, top)
    return _print_read(explained, form, json)


@app.command()
def trend(
    dimension: Annotated[
        str, typer.Argument(help="total, or author, organisation, model, …: `dim_dimension` has all.")
    ] = "total",
    span: Annotated[
        str, typer.Option(help="Days of the trend: 28d, 90d, 365d, or all; of the total each is shown.")
    ] = "28d",
    top: Annotated[
        int, typer.Option(min=1, max=MAX_ROWS, help="Rows: the largest entities; JSON and CSV hold all.")
    ] = 14,
    form: FormatOption = Format.TABLE,
    json: Json = False,
) -> int:
    """Print how fast tokens double, with an interval; of the total its week and unusual days, too."""
    from pipeline import trend as trend_

    return _print_read(trend_.trend(_settings(), dimension, span, top), form, json)


@app.command()
def claims(form: FormatOption = Format.TABLE, json: Json = False) -> int:
    """Print each claim about what drives token growth, with what the data say of it today."""
    from pipeline import explanation

    ledger = explanation.claims(_settings())
    return _print_read(ledger, form, json)


@app.command()
def report(
    output: Annotated[
        Path | None, typer.Option(help="File to write. Default: report.html beside the published file.")
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Show it at http://127.0.0.1, also as later runs write it, until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of --serve; 0 takes a free one.")] = 8899,
    pictures: Annotated[Path | None, typer.Option(help="Folder to write each chart to as a picture, too.")] = None,
    picture_format: Annotated[PictureFormat | None, typer.Option(help="png or svg. Default: png.")] = None,
    theme: Annotated[
        Theme | None, typer.Option(help="Ground of the pictures; the page has both. Default: light.")
    ] = None,
    json: Json = False,
) -> int:
    """Write the report: one HTML page of charts and tables that opens without a network."""
    from pipeline import report as report_

    if not pictures and (picture_format or theme):
        raise UsageError("Format and theme are those of pictures; name a folder for them with --pictures.")
    slides = report_.Slides(pictures, picture_format or PictureFormat.PNG, theme or Theme.LIGHT) if pictures else None
    done = report_.write(_settings(), output, slides)
    # Beside machine-readable output these lines go to the error stream.
    say = sys.stderr if json else sys.stdout
    say.write(f"Wrote {done.path}\n" + (f"Wrote {len(done.pictures)} pictures to {pictures}\n" if pictures else ""))
    if serve:
        with report_.serving(done.path, port) as server:
            say.write(f"Showing it at {server.url}; Ctrl-C ends it.\n")
            say.flush()
            server.wait()
    _print(json, done.to_dict(), [], done.summary)
    return EXIT_FAILED if done.failed else EXIT_OK


@app.command()
def query(
    sql: Annotated[
        str, typer.Argument(help="A SELECT on the marts, such as 'from growth_total limit 5'; - reads it from stdin.")
    ],
    form: FormatOption = Format.TABLE,
    json: Json = False,
) -> int:
    """Run a query on the published file."""
    from pipeline import reading

    table, summary = reading.query(_settings(), sys.stdin.read() if sql == "-" else sql)
    form = Format.JSON if json else form
    _line(table.render(form))
    _cite(table.note, form)
    _summary(summary, form)
    return EXIT_OK


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="Folder of the package; an earlier export there is replaced.")],
    form: Annotated[
        Literal["csv", "parquet", "both"], typer.Option("--format", help="How the tables are written.")
    ] = "both",
    tables: Annotated[
        list[str] | None, typer.Option("--table", help="Table to export; may be repeated. Default: all.")
    ] = None,
    json: Json = False,
) -> int:
    """Write the published tables as a data package: CSV and Parquet, described, for any program to read."""
    from pipeline import package

    exported = package.export(_settings(), target, ("csv", "parquet") if form == "both" else (form,), tables or ())
    _print(json, exported.to_dict(), [], exported.summary)
    return EXIT_OK


@app.command()
def status(json: Json = False) -> int:
    """Tell what is there, how fresh and complete it is, and which dates each source lacks, as a calendar."""
    from pipeline import reading
    from pipeline.status import status as status_of

    facts, tables = status_of(_settings())
    summary = (
        f"status: {facts['loaded_days']} days until {facts['last_date']}, {facts['missing_days']} missing between, "
        f"{facts['days_behind']} behind" + reading.simulated_note(facts["is_simulated"])
    )
    _print(json, facts, tables, summary)
    return EXIT_OK


@archive.command()
def verify(json: Json = False) -> int:
    """Read the whole archive, hold it against its checksums, and name what is damaged, with the mend."""
    from pipeline import retention

    return _print_report(retention.verify(_settings()), json)


@archive.command()
def compact(
    before: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m"], help="Months before this one are packed. Default: the last whole month."),
    ] = None,
    json: Json = False,
) -> int:
    """Pack past months, one file a source and month, and remove half written files; no fetch is lost."""
    from pipeline import retention

    return _print_report(retention.compact(_settings(), before.date() if before else None), json)


@archive.command()
def copy(
    target: Annotated[Path, typer.Argument(help="Home folder that gets the copy, in its folder `archive`.")],
    json: Json = False,
) -> int:
    """Copy to another home what it lacks of the archive, verified; what is damaged there is made good."""
    from pipeline import retention

    return _print_report(retention.copy(_settings(), target), json)


def _print_report(report: Report, json: bool) -> int:
    if not json:
        for sentence in report.sentences():
            sys.stderr.write(f"{sentence}\n")
    _print(json, report.to_dict(), report.tables, report.summary)
    return report.exit_code


@app.command()
def doctor(
    online: Annotated[
        bool, typer.Option("--online", help="Ask OpenRouter once, too; with a key that counts one request.")
    ] = False,
    json: Json = False,
) -> int:
    """Look for what is wrong, from the environment to the schedule, and say what mends it; nothing is written."""
    from pipeline import doctor as doctor_

    findings = doctor_.doctor(online=online)
    counts = [(state, sum(one.state is state for one in findings)) for state in doctor_.State]
    summary = f"doctor: {', '.join(f'{count} {state}' for state, count in counts)}"
    _print(json, {"findings": [one.to_dict() for one in findings]}, doctor_.tables(findings), summary)
    return EXIT_FAILED if dict(counts)[doctor_.State.FAILED] else EXIT_OK


@app.command()
def alerts(
    limit: Annotated[int, typer.Option(min=1, help="Alerts to print, the newest last.")] = 20, json: Json = False
) -> int:
    """Print what the runs of this home found worth telling: each alert was told once."""
    from pipeline import watch

    told = watch.told(_settings())
    shown = told[-limit:]
    columns = ["told_at", "date", "kind", "subject", "message"]
    table = Table("", columns, [[row.get(name, "-") for name in columns] for row in shown])
    _print(json, {"alerts": shown}, [table] if shown else [], f"alerts: {len(shown)} of {len(told)} told so far")
    return EXIT_OK


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="Seed of the simulated market.")] = DEMO_SEED,
    home: Annotated[Path | None, typer.Option(help="Folder of the simulated data. Default: data-demo.")] = None,
    json: Json = False,
) -> int:
    """Do the same job offline against a simulated OpenRouter on loopback; every output says so."""
    from pydantic import SecretStr

    from pipeline import jobs
    from pipeline.simulation import SimulatedOpenRouter, World

    home = home or Path("data-demo" if seed == DEMO_SEED else f"data-demo-{seed}")
    world = World(seed)
    # Two mornings, so that the second run shows what a daily run does and what was restated.
    clocks = [datetime.combine(world.last_day + timedelta(days=n), time(8), UTC) for n in (0, 1)]
    outcomes = []
    with SimulatedOpenRouter(world, clocks[0], requests_per_minute=DEMO_REQUESTS_PER_MINUTE) as server:
        for clock in clocks:
            server.set_clock(clock)
            settings = _settings(
                base_url=server.base_url,
                web_archive_url=server.base_url,
                api_key=SecretStr(server.key),
                home=home,
                state_dir=home / "state",
                fixed_now=clock,
                requests_per_minute=DEMO_REQUESTS_PER_MINUTE,
            )
            with _working(settings) as step:
                outcomes.append(jobs.run(settings, step=step))
    if not json:
        _line(f"The first morning: {outcomes[0].summary()}")
        _line(
            f"Simulated OpenRouter, seed {seed}: {world.first_day} to {world.last_day}, served over HTTP on loopback."
        )
        _line(f"Query it with TOKENGROWTH_HOME={home} tokengrowth show author\n")
    return _finish_job(settings, outcomes[-1], json, shows_growth=True)


@app.command()
def docs(
    section: Annotated[
        str, typer.Argument(help="settings, commands, tables, measures, lineage, or dictionary: a page for a browser.")
    ] = "tables",
    json: Json = False,
) -> int:
    """Print the reference that is generated from the code and the SQL: Markdown, and the data dictionary as HTML."""
    from pipeline import reference

    def dictionary() -> str:
        from pipeline.dictionary import page  # takes DuckDB and all of the SQL, which no other section needs

        return page()

    sections: dict[str, Callable[[], str]] = {
        "settings": reference.settings,
        "commands": lambda: reference.commands(app),
        "tables": reference.tables,
        "measures": reference.measures,
        "lineage": reference.lineage,
        "dictionary": dictionary,
    }
    if section not in sections:
        raise UsageError(f"There is no section {section!r}; choose one of {', '.join(sections)}.")
    text = sections[section]()
    language = "html" if section == "dictionary" else "markdown"
    _line(to_json({"section": section, language: text}) if json else text)
    _summary(f"docs: {section}", Format.JSON)
    return EXIT_OK


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; one sentence on an error, a traceback only with --debug."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _outlive_the_readers()
    _spare_the_terminal()
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    if debug:
        logging.getLogger("pipeline").setLevel(logging.DEBUG)
    try:
        code = app(words, prog_name="tokengrowth", standalone_mode=False)
        if code == EXIT_STOPPED:  # the command line library has caught it
            _complain(STOPPED)
    except (typer.Abort, KeyboardInterrupt):
        _complain(STOPPED)
        code = EXIT_STOPPED
    except TokenGrowthError as error:
        _complain(str(error), debug)
        code = error.exit_code
    except OSError as error:
        _complain(f"{error.filename or 'The system'}: {error.strerror or error}.", debug)
        code = EXIT_FAILED
    except Exception as error:
        if is_interruption(error):
            _complain(STOPPED)
            code = EXIT_STOPPED
        elif hasattr(error, "show"):  # a usage error of the command line library
            error.show()
            code = EXIT_USAGE
        else:
            _complain(f"Unexpected {type(error).__name__}: {error}. Run it with --debug for the traceback.", debug)
            code = EXIT_FAILED
    raise SystemExit(code)


class _Pipe(FileIO):
    """A file descriptor whose reader may go: what nobody reads is not written."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def _outlive_the_readers() -> None:
    """Let a closed pipe, such as that of `| head -1`, change neither how a command ends nor what it does."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        # What a test or a notebook reads is none of ours, and a terminal stays.
        if isinstance(stream, TextIOWrapper) and stream is getattr(sys, f"__{name}__") and not stream.isatty():
            pipe = BufferedWriter(_Pipe(stream.fileno(), "w", closefd=False))
            is_told_at_once = stream.line_buffering or stream.write_through
            spared = TextIOWrapper(pipe, stream.encoding, stream.errors, line_buffering=is_told_at_once)
            setattr(sys, name, spared)


def _spare_the_terminal() -> None:
    """Let no letter that the terminal cannot encode end a command; who chose another handling of them keeps it."""
    codecs.register_error(plain_letter.__name__, plain_letter)
    # What Python chooses by itself; in the C locale it is an escape of bytes, which encodes no letter.
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors in ("strict", "surrogateescape"):
        sys.stdout.reconfigure(errors=plain_letter.__name__)


def _complain(sentence: str, debug: bool = False) -> None:
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"error: {sentence}\n")


def _settings(**overrides: Any) -> Settings:
    from pipeline.settings import load_settings, unknown_variables

    settings = load_settings(**overrides)
    for name in unknown_variables():
        sys.stderr.write(f"warning: {name} is no setting of tokengrowth; `tokengrowth docs settings` lists them.\n")
    return settings


@contextmanager
def _working(settings: Settings) -> Iterator[Step]:
    """Run a job: a build that fails is an alert, beside the error that ends the command."""
    try:
        with _progress() as step:
            yield step
    except BuildFailedError as error:
        from pipeline import watch

        _tell(settings, watch.untold(settings, [watch.of_failed_build(settings, error)]))
        raise


@contextmanager
def _progress() -> Iterator[Step]:
    """Show the running step where a person watches; say nothing in a log."""
    from pipeline.jobs import call

    if not sys.stderr.isatty():
        yield call
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:

        def step(name: str, function: Callable[..., T], *args: Any, may_pass: bool = False) -> T:
            status.update(name)
            return call(name, function, *args, may_pass=may_pass)

        yield step


def _finish_job(settings: Settings, outcome: Outcome, json: bool, *, shows_growth: bool) -> int:
    from pipeline import watch

    alerts = watch.untold(settings, watch.alerts(settings, outcome))
    if json:
        plain = [alert.to_dict() for alert in alerts]
        _line(to_json({**outcome.to_dict(), "alerts": plain, "summary": outcome.summary()}))
        watch.note_told(settings, alerts)
        return outcome.exit_code
    if shows_growth and outcome.is_anything_published:
        from pipeline import reading

        for dimension, top in (("total", 7), ("author", 10), ("model", 10)):
            _line(reading.show(settings, dimension, None, top).render(Format.TABLE, _width()) + "\n")
    for problem in outcome.problems:
        sys.stderr.write(f"{problem}\n")
    _tell(settings, alerts)
    if not outcome.is_anything_published and outcome.build is None:
        sys.stderr.write("error: Nothing is published: there are no rankings to build from.\n")
    for hint in outcome.hints:
        _line(hint)
    if outcome.is_published:
        _line(f"Published {settings.published_path}")
        if settings.report_path.exists():
            _line("The report beside it is of an earlier build; `tokengrowth report` writes it anew.")
    _line(outcome.summary())
    return outcome.exit_code


def _tell(settings: Settings, alerts: Sequence[Alert]) -> None:
    from pipeline import watch

    for alert in alerts:
        # That a source failed or is stale stands among the problems, and an error ends what did not build.
        if alert.kind not in ("source.failed", "source.stale", "check.failed"):
            sys.stderr.write(f"alert: {alert.kind}: {alert.message}\n")
    watch.note_told(settings, alerts)


def _print(json: bool, value: dict[str, Any], tables: Sequence[Table], summary: str) -> None:
    if json:
        _line(to_json({**value, "summary": summary}))
        return
    for table in tables:
        _line(table.render(Format.TABLE) + "\n")
    _line(summary)


def _print_read(read: Shown | Explained | Ledger | Trend, form: Format, json: bool) -> int:
    form = Format.JSON if json else form
    _line(read.render(form, _width()))
    _cite(read.citation, form)
    _summary(read.summary, form)
    return EXIT_OK


def _cite(citation: str, form: Format) -> None:
    """Cite on the error stream where the output is for machines, and has no room for it."""
    if form in (Format.CSV, Format.JSON):
        sys.stderr.write(f"{citation}\n")


def _summary(sentence: str, form: Format) -> None:
    """End with one line; beside machine-readable output it goes to the error stream."""
    (sys.stdout if form is Format.TABLE else sys.stderr).write(f"{sentence}\n")


def _width() -> int | None:
    """Return the columns of the terminal; None where the output goes into a file or a pipe, which has room."""
    return get_terminal_size().columns if sys.stdout.isatty() else None


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
