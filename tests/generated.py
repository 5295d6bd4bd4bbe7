"""The generated parts of README.md and docs/: `python -m tests.generated` writes them, a test compares them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from pipeline import reference
from pipeline.cli import app
from pipeline.rendering import Format, Table

ROOT = Path(__file__).parents[1]
TABLES = ROOT / "docs" / "tables.md"
MEASURES = ROOT / "docs" / "measures.md"
QUERIES = ROOT / "docs" / "queries.md"
# A query of that page, and the place of its answer.
QUERY = re.compile(r"(```sql\n(.*?)```\n\n<!-- generated: answer -->\n).*?(<!-- end -->)", re.DOTALL)
LINEAGE = ROOT / "docs" / "lineage.md"
TABLES_HEAD = """# Tables

Generated from the headers and column comments under `sql/` by `make docs`. In the published file the schemas are
`marts` and `meta`. Where each table comes from is in [lineage.md](lineage.md).

"""

MEASURES_HEAD = """# Measures

Generated from the headers, column comments and expressions under `sql/marts` by `make docs`. A formula is the
expression of the table's last SELECT; the names in it are columns of what it reads, in the file of the same name.

Days are UTC. A rate (`_pct`) is in percent, a difference of shares or a part of growth (`_pp`) in percentage points.
`_low` and `_high` enclose what is certain; a point value between them is given where nothing that is known is below a
cut-off, and is null else. What is listed (`_low` of a window) grows by `growth_…_listed_pct`, which lies between the
bounds, too.

## How wide the bounds are

On the simulated market the truth is known: it lies within every bound of every dimension, for models that are never
listed, too (`tests/property`). What is beyond a bound in principle: an author's model that neither a ranking nor a
catalogue ever names, and an app that hides itself. What no catalogue describes may belong to any class of models, so
that the bounds of each class hold it; whom an unattributed model belongs to they do not say.

On the market's first 480 days `other` has 2.6 % of a day's tokens in the median and 13.2 % at most, and a model below
rank 50 at most 0.29 % (median). Of weeks that are censored, the median distance of the bounds is there, in percentage
points of all tokens of the week, with a catalogue of every day (daily runs) and without any (a backfill; of classes of
models with the catalogues of the last days, as without any there are no classes):

| dimension | with catalogues | without | what decides |
| --- | ---: | ---: | --- |
| model | 0.14 | 0.14 | the cut-off of the days on which it is not listed |
| author | 2.4 | 3.4 | as many cut-offs as the catalogue knows unlisted models; all of `other` without |
| organisation | 2.7 | 3.7 | the same, of all its namespaces |
| variant | 3.0 | 3.1 | all of `other`, as most variants have many models |
| price class, weights, reasoning, tokenizer, age | 3.6 to 5.0 | 6.6 to 19 | the same, and what no catalogue describes |
| app | 0.005 | 0.005 | the cut-off at rank 200; an app that hides itself is not known to be |
| app category | 37 | 37 | all traffic without a listed app; the growth of what is listed says more |
| context bucket, modality | 0 | 0 | exact |

They are as wide as `other` is large: on the 61 recorded days from June to August 2026, with one catalogue, `other` has
6.2 % of a day's tokens in the median, and the bounds of authors and organisations lie 6.3 points apart.

The same, of the concentration of a day: the upper bound of the Herfindahl index is at most 3 % above the lower one for
models; for authors up to 70 % with catalogues.

## How much the intervals of trends cover

The interval of `fct_trend` has two parts. What is not listed widens it by the least and the greatest slope that any
series within the bounds can have, which is exact. What is left is uncertainty of the fit, of which 95 % is an aim: the
errors of Newey and West need many days. With the usual factor of 1.96 such an interval covers 71 % with 28 days even
where each day is independent of the one before, and 44 % where their correlation is 0.9. With the factor used here, of
fixed-b theory, it covers, by the days of the span and the correlation of a day's deviation with that of the day before,
in percent of 3,000 simulated series (a test holds to it):

| days | 0 | 0.4 | 0.7 | 0.9 |
| ---: | ---: | ---: | ---: | ---: |
| 28 | 92 | 87 | 80 | 69 |
| 90 | 92 | 90 | 87 | 75 |
| 365 | 93 | 92 | 91 | 85 |

Few days hide how much they hold together: where that correlation is 0.9, `residual_autocorrelation` is 0.63 over 28
days on average, 0.82 over 90 and 0.88 over 365. So the intervals of all spans below a year are marked, and of longer
ones those with more than 0.8. Where growth itself wanders, as in the simulated market, an interval covers less still:
over 28 days about 60 % of the true growth. It says how the line fits its days.

"""

LINEAGE_HEAD = """# Lineage

Where each published table comes from. Generated from the SQL under `sql/` and the registry of the sources by
`make docs`; `tokengrowth docs dictionary` writes the same for a browser, with every table between, types and formulas.

In a picture, a cylinder is a table of answers as they landed, with the sources that fill it, and a double edge marks a
published table, which has a section of its own: a way ends there, and what reads such tables only has no picture. An
arrow is left out where a longer way tells it, too; the list above has all that a table reads. `meta.loads` has a row
for each answer: nearly every model reads there which answers count, and only what reads nothing raw beside it is drawn
with it.

A column is made of the values that its expression names, one step back. What joins, filters and groups decide is which
rows count, and is not among them. A column of nothing counts rows, is a constant, or is filled by landing.

"""


def readme_blocks(home: Path) -> dict[str, str]:
    """Return the text of each generated block; the demo runs in `home`."""
    demo = _run(home, "demo", "--home", str(home))
    shown = _run(home, "show", "model", "--top", "4", "--format", "markdown")
    explained = _run(home, "explain", "--window", "28", "--top", "5")
    trend = _run(home, "trend")
    claims = _run(home, "claims").split("\n\n")
    return {
        "demo": _code(re.sub(r" in [\d.]+ s", "", demo).replace(str(home), "data-demo")),
        "show": shown.rstrip(),
        "explain": _code(explained),
        "trend": _code(trend),
        "claims": _code("\n\n".join([*claims[:5], "…"])),
        "commands": reference.commands(app),
        "settings": reference.settings(),
    }


def filled(text: str, blocks: dict[str, str]) -> str:
    """Put each block between its markers."""
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, count = pattern.subn(lambda match, block=block: f"{match[1]}{block}\n{match[2]}", text)
        if count != 1:
            raise ValueError(f"README.md has {count} places for {name}")
    return text


def answered(page: str, home: Path) -> str:
    """Put below each query of docs/queries.md what it returns, as it stands, on the published file of a home."""
    with duckdb.connect(str(home / "published" / "token_growth.duckdb"), read_only=True) as connection:

        def answer(query: re.Match[str]) -> str:
            relation = connection.sql(query[2])
            table = Table("SIMULATED DATA", relation.columns, relation.fetchall())
            return f"{query[1]}{_code(table.render(Format.TABLE))}\n{query[3]}"

        return QUERY.sub(answer, page)


def tables() -> str:
    """Return docs/tables.md."""
    return TABLES_HEAD + reference.tables() + "\n"


def measures() -> str:
    """Return docs/measures.md."""
    return MEASURES_HEAD + reference.measures() + "\n"


def lineage() -> str:
    """Return docs/lineage.md."""
    return LINEAGE_HEAD + reference.lineage() + "\n"


def _run(home: Path, *words: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENROUTER_")}
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *words],
        env=environment | {"TOKENGROWTH_HOME": str(home), "PYTHONPATH": str(ROOT)},
        cwd=home.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _code(text: str) -> str:
    return f"```\n{text.rstrip()}\n```"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "demo"
        readme = ROOT / "README.md"
        readme.write_text(filled(readme.read_text(encoding="utf-8"), readme_blocks(home)), encoding="utf-8")
        QUERIES.write_text(answered(QUERIES.read_text(encoding="utf-8"), home), encoding="utf-8")
    TABLES.parent.mkdir(exist_ok=True)
    TABLES.write_text(tables(), encoding="utf-8")
    MEASURES.write_text(measures(), encoding="utf-8")
    LINEAGE.write_text(lineage(), encoding="utf-8")
