"""Tables on the screen, as CSV, Markdown and JSON; numbers as people read them.

Names of models and apps come from outside: a cell is escaped for the format that it goes into, so that none of them
can start a spreadsheet formula, become a link or markup in Markdown, or steer a terminal.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

# What a spreadsheet takes for a formula, also behind blanks and in full width, and what makes it split a cell.
FORMULA = re.compile(r"[\W_]*?[=+\-@%\uff1d\uff0b\uff0d\uff20\uff05]|[\t\r\n]")
TO_QUOTE = re.compile(r'[,;"\t\r\n]|^\s|\s$')
FORMULA_SIGN = re.compile(r"[=+\-@%]")
JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
# What Markdown of some flavours makes a link or a mention of, however it is escaped.
LINK = re.compile(r"@|://|www\.|(mailto|xmpp):", re.IGNORECASE)
MARKDOWN_SPECIAL = re.compile(r"[\\`*_\[\]<>|&~$]")
# Letters that show nothing, beside those that `str.isprintable` tells.
INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
MAX_SHOWN_LENGTH = 300
SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
BARS = "▁▂▃▄▅▆▇█"
ZERO = "0"
GAP = "·"
BAR_DAYS = 28
BARS_TITLE = f"last {BAR_DAYS} days"
BARS_NOTE = (
    "Bars: listed tokens, from zero to the row's greatest day; "
    f"{ZERO} where that is none, {GAP} where nothing is listed or loaded. "
)
# What stands for a letter that a terminal cannot encode, in as many columns; a bar is its height in eighths.
LOOK_ALIKES = dict(zip(BARS, "12345678", strict=True)) | {
    GAP: ".",
    "\N{BLACK SQUARE}": "#",
    "\N{WHITE SQUARE}": "o",
    "\N{EN DASH}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "~",
    "\N{REPLACEMENT CHARACTER}": "?",
}


class Format(StrEnum):
    """Ways to print a table."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"


class Theme(StrEnum):
    """On which ground a picture stands."""

    LIGHT = "light"
    DARK = "dark"


class PictureFormat(StrEnum):
    """What a picture can be written as."""

    PNG = "png"
    SVG = "svg"


@dataclass(frozen=True)
class Table:
    """A title, named columns and rows of plain values; `note` is printed below.

    `bars`, one sparkline a row, are for people: a last column on the screen and in Markdown, and the note says how to
    read them.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""
    bars: Sequence[str] = ()

    def render(self, form: Format, width: int | None = None) -> str:
        """Return the table as text that ends without a line break.

        On a screen of `width` columns the bars are left out where they would not fit; without it there is room.
        """
        if form is Format.JSON:
            return to_json([dict(zip(self.columns, row, strict=True)) for row in self.rows])
        if form is Format.CSV:
            return self._csv()
        return self._with_bars()._markdown() if form is Format.MARKDOWN else self._screen(width)

    def _with_bars(self) -> Table:
        if not self.bars:
            return self
        rows = [[*row, bars] for row, bars in zip(self.rows, self.bars, strict=True)]
        return Table(self.title, [*self.columns, BARS_TITLE], rows, BARS_NOTE + self.note)

    def _csv(self) -> str:
        rows = [self.columns, *self.rows]
        return "\n".join(",".join(map(_csv_cell, row)) for row in rows)

    def _markdown(self) -> str:
        numeric = self._numeric()
        lines = [f"**{_markdown(self.title)}**", ""] if self.title else []
        lines.append("| " + " | ".join(map(_markdown_cell, self.columns)) + " |")
        lines.append("|" + "|".join(" ---: " if right else " --- " for right in numeric) + "|")
        lines += ["| " + " | ".join(map(_markdown_cell, row)) + " |" for row in self.rows]
        return "\n".join([*lines, *(["", _markdown(self.note)] if self.note else [])])

    def _screen(self, width: int | None) -> str:
        table = self._with_bars()
        lines = table._aligned()
        if width is not None and len(lines[1]) > width:
            table, lines = self, self._aligned()
        title, note = ([clean(text)] if text else [] for text in (table.title, table.note))
        return "\n".join([*title, *lines, *note])

    def _aligned(self) -> list[str]:
        """Return the lines of header, rule and rows; the rule is as wide as the table."""
        numeric = self._numeric()
        cells = [[clean(name) for name in self.columns], *([_shown(v) for v in row] for row in self.rows)]
        widths = [max(len(row[n]) for row in cells) for n in range(len(self.columns))]
        lines = [
            "  ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(row, widths, numeric, strict=True)
            ).rstrip()
            for row in cells
        ]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return lines

    def _numeric(self) -> list[bool]:
        """Tell which columns are set flush right: those that hold a number in some row."""
        return [
            any(_looks_numeric(row[n]) for row in self.rows) and not any(isinstance(row[n], date) for row in self.rows)
            for n in range(len(self.columns))
        ]


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """Return JSON in ASCII, on one line without `indent`; dates and instants in ISO 8601, instants marked as UTC.

    What is infinite or no number is null, because JSON has neither.
    """
    try:
        return json.dumps(value, indent=indent, default=_json_value, allow_nan=False)
    except ValueError:
        plain = json.loads(json.dumps(value, default=_json_value), parse_constant=lambda _: None)
        return json.dumps(plain, indent=indent)


def tokens(count: float | None) -> str:
    """Shorten a count of tokens: 12.1 T is 12.1e12."""
    if count is None:
        return "unlisted"
    for size, unit in SCALES:
        if abs(count) >= size * 0.9995:
            return f"{count / size:,.{2 if abs(count) < size * 9.995 else 1}f} {unit}"
    return f"{count:.0f}"


def first_sentence(text: str) -> str:
    """Return what a description begins with."""
    return re.split(r"(?<=[.:]) ", text)[0].rstrip(":.") + "."


def signed_tokens(count: int) -> str:
    """Shorten a change of tokens, with its sign; none has no sign."""
    return f"{'-' if count < 0 else '+' if count else ''}{tokens(abs(count))}"


def sparkline(values: Sequence[float | None]) -> str:
    """Return a letter a value: a bar from zero to the greatest of them, to the nearest eighth, and a gap for None.

    What is more than zero is never without a bar: the lowest one is all below three sixteenths. Zero is a naught.
    """
    greatest = max((value for value in values if value is not None), default=0)
    return "".join(
        GAP if value is None else BARS[max(round(8 * value / greatest), 1) - 1] if value else ZERO for value in values
    )


def plain_letter(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return what stands for a letter that a stream cannot encode: its look-alike, else its escape (`\\u4e2d`)."""
    if isinstance(error, UnicodeEncodeError) and error.object[error.start] in LOOK_ALIKES:
        return LOOK_ALIKES[error.object[error.start]], error.start + 1
    if isinstance(error, UnicodeEncodeError):
        # One letter at a time: the next one may have a look-alike.
        error.end = error.start + 1
    return codecs.backslashreplace_errors(error)


def megabytes(size_bytes: int) -> str:
    """Return a size as people read it, more briefly the larger it is."""
    size = size_bytes / 1e6
    return f"{size:,.{1 if size < 100 else 0}f} MB"


def signed(value: float, unit: str = "%") -> str:
    """Return a rate with its sign, more briefly the larger it is; what rounds to nothing has no sign."""
    rounded = round(value, 1) + 0.0  # never -0.0
    return f"{rounded:{'+' if rounded else ''},.{1 if abs(rounded) < 1000 else 0}f} {unit}"


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value + 0.0:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def _looks_numeric(value: Any) -> bool:
    if isinstance(value, int | float):
        return not isinstance(value, bool)
    return isinstance(value, str) and value[:1] in set("0123456789+-") and value.endswith((" T", " B", " M", "%", "pp"))


def clean(text: str) -> str:
    """Replace what shows nothing: a name from outside must not steer a terminal, nor look like another."""
    return "".join(c if c.isprintable() and c not in INVISIBLE else "\N{REPLACEMENT CHARACTER}" for c in text)


def _shown(value: Any) -> str:
    """Return a cell for the screen: one line, and cut where it would push all others off it."""
    text = clean(_text(value))
    return text if len(text) <= MAX_SHOWN_LENGTH else text[: MAX_SHOWN_LENGTH - 1] + "\N{HORIZONTAL ELLIPSIS}"


def defused(text: str) -> str:
    """Return a text that no spreadsheet calculates: an apostrophe opens what one would take for a formula.

    Different texts stay different, and so a column that names rows still does.
    """
    return f"'{text}" if FORMULA.match(text) else text


def json_text(value: list[Any] | dict[str, Any]) -> str:
    """Return JSON in ASCII on one line, which in a cell is no formula: JSON can escape the signs within its texts."""
    text = to_json(value, indent=None)
    if not FORMULA.match(text):
        return text
    return JSON_STRING.sub(lambda found: FORMULA_SIGN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", found[0]), text)


def _csv_cell(value: Any) -> str:
    """Return a cell that no spreadsheet calculates or splits, whichever separator it expects."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _text(value)
    if isinstance(value, int | float | Decimal):
        return str(value)
    text = json_text(value) if isinstance(value, list | dict) else defused(_json_value(value))
    return '"{}"'.format(text.replace('"', '""')) if TO_QUOTE.search(text) else text


def _markdown(text: str) -> str:
    return MARKDOWN_SPECIAL.sub(r"\\\g<0>", clean(text))


def _markdown_cell(value: Any) -> str:
    """Return a cell without markup; as code where escapes would not keep it from becoming a link or a mention."""
    text = clean(_text(value))
    if not LINK.search(text):
        return _markdown(text)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def _json_value(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat() + ("" if value.tzinfo else "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
