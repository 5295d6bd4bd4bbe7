"""Tables stay what they are, whatever a model is called."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from datetime import UTC, date, datetime
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipeline.rendering import (
    BARS,
    GAP,
    ZERO,
    Format,
    Table,
    clean,
    plain_letter,
    signed,
    signed_tokens,
    sparkline,
    to_json,
    tokens,
)
from pipeline.status import MARKS

HOSTILE = [
    '=HYPERLINK("http://evil.example","click")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "two\nlines",
    "two\r=1+1",
    "right\u202eleft",
    "zero\u200bwidth",
    "| pipe | `code` |",
    "<script>alert(1)</script>",
    "[link](http://evil.example) ![image](x)",
    "**bold** _italic_ \\",
    'quote " and, comma',
    "  =1+1",
    "\ufeff=1+1",
    "\u200b@SUM(A1)",
    "'=1+1",
    "\uff1d1+1",
    "\uff20SUM(A1)",
    "%0A=1",
    "\n=1+1",
    "a;=1+1",
    "a\t=1+1",
    "http://evil.example www.evil.example",
    "WWW.EVIL.EXAMPLE",
    "@everyone",
    "someone@evil.example",
    "`` @code ` ticks",
    "` @",
    "@a|b\\|c",
    "&lt;script&gt; &#124; ~~struck~~ $x$",
    "](javascript:alert(1))",
    "<a href='javascript:alert(1)'>x</a>",
    "'; drop table models; --",
    "nul\x00byte",
    "blank\u3164\u115f\u2800",
    "\u2066isolated\u2069",
]


def one_cell(value: object, form: Format) -> str:
    return Table("", ["name"], [[value]]).render(form)


@pytest.mark.parametrize("value", [[name, "b,c"] for name in HOSTILE] + [{"a,b": "=1+1"}, [[-1, None], ["-2+3"]], []])
def test_a_list_in_csv_is_one_cell_of_json_and_never_a_formula(value: list[object] | dict[str, object]) -> None:
    (_, (cell,)) = csv.reader(io.StringIO(one_cell(value, Format.CSV), newline=""), strict=True)
    assert json.loads(cell) == value
    assert not re.match(r"[\W_]*?[=+\-@%\uff1d\uff0b\uff0d\uff20\uff05]|[\t\r\n]", cell) or cell.startswith("[[-1,")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_csv_cell_comes_back_as_text_and_never_as_a_formula(name: str) -> None:
    (header,), (cell,) = csv.reader(io.StringIO(one_cell(name, Format.CSV), newline=""))
    assert header == "name"
    assert not re.match(r"[^\w']*[=+\-@%\uff1d\uff20]|[\t\r\n]", cell)
    assert cell in (name, f"'{name}")
    # A spreadsheet that expects another separator finds one cell, too.
    for separator in ";\t":
        assert len(next(csv.reader([one_cell(name, Format.CSV).partition("\n")[2]], delimiter=separator))) == 1


def test_only_text_is_defused_and_column_names_too() -> None:
    table = Table("", ["=evil", "n"], [[-5, -1.5], ["-5", None]])
    assert table.render(Format.CSV) == "'=evil,n\n-5,-1.5\n'-5,"


def test_csv_writes_days_instants_and_booleans_as_json_does() -> None:
    values = [date(2026, 8, 21), datetime(2026, 8, 21, 7, 45), datetime(2026, 8, 21, 7, 45, tzinfo=UTC), True, False]
    table = Table("", [*"abcde"], [values])
    cells = table.render(Format.CSV).split("\n")[1].split(",")
    assert cells == ["2026-08-21", "2026-08-21T07:45:00Z", "2026-08-21T07:45:00+00:00", "true", "false"]
    assert list(json.loads(table.render(Format.JSON))[0].values()) == [*cells[:3], True, False]


def test_csv_lines_end_in_line_feeds_and_the_last_one_in_nothing() -> None:
    assert Table("", ["a", "b"], [["x", None], ["y", ""]]).render(Format.CSV) == "a,b\nx,\ny,"


def test_csv_without_rows_is_its_header() -> None:
    assert Table("title", ["a", "b"], []).render(Format.CSV) == "a,b"


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", [Format.MARKDOWN, Format.TABLE])
def test_nothing_steers_a_terminal_or_starts_another_line(name: str, form: Format) -> None:
    lines = one_cell(name, form).split("\n")
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_markdown_cell_is_shown_as_it_is_and_without_markup(name: str) -> None:
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(one_cell(name, Format.MARKDOWN))
    (cell,) = re.findall(r"<td>(.*)</td>", html)
    code = re.fullmatch(r"<code>(.*)</code>", cell)
    bare = unescape(code[1] if code else cell)
    assert "<" not in (code[1] if code else cell)
    assert bare == clean(name).strip()
    # What some flavours make a link or a mention of is code, where none does.
    assert code or not re.search(r"@|://|www\.", name, re.IGNORECASE)


def test_a_long_name_is_cut_on_the_screen_and_nowhere_else() -> None:
    name = "x" * 100_000
    assert len(one_cell(name, Format.TABLE).split("\n")[2]) == 300
    for form in (Format.MARKDOWN, Format.CSV, Format.JSON):
        assert name in one_cell(name, form)


def test_a_title_and_a_note_steer_no_terminal() -> None:
    assert Table("a\x1b[31m", ["x"], [["1"]], "b\u202e").render(Format.TABLE) == "a\ufffd[31m\nx\n-\n1\nb\ufffd"


def test_markdown_escapes_titles_notes_and_column_names() -> None:
    text = Table("a*b", ["x|y"], [["1"]], "see <b>").render(Format.MARKDOWN)
    assert text == "**a\\*b**\n\n| x\\|y |\n| --- |\n| 1 |\n\nsee \\<b\\>"


def test_markdown_sets_numbers_flush_right() -> None:
    lines = Table("", ["model", "tokens", "growth"], [["a", 5, "+1.0 %"]]).render(Format.MARKDOWN).split("\n")
    assert lines[1] == "| --- | ---: | ---: |"


def test_the_screen_aligns_text_left_and_numbers_right() -> None:
    table = Table("Title", ["model", "tokens"], [["acme/large", "12.1 T"], ["a", "950.0 M"]], "Source: x")
    assert table.render(Format.TABLE).split("\n") == [
        "Title",
        "model        tokens",
        "----------  -------",
        "acme/large   12.1 T",
        "a           950.0 M",
        "Source: x",
    ]


def test_values_on_the_screen_are_never_blank() -> None:
    row = [None, True, 1234567, 0.1234567, 2.5e9, datetime(2026, 8, 21, 7, 45, 1, 999), date(2026, 8, 21)]
    lines = Table("", list("abcdefg"), [row]).render(Format.TABLE).split("\n")
    assert lines[2].split("  ") == [
        "null",
        "true",
        "1,234,567",
        "0.123457",
        "2,500,000,000",
        "2026-08-21 07:45:01",
        "2026-08-21",
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text(max_size=12), min_size=2, max_size=2), max_size=4))
def test_any_text_survives_csv_and_json_and_keeps_the_other_forms_in_shape(rows: list[list[str]]) -> None:
    table = Table("", ["a", "b"], rows)
    assert json.loads(table.render(Format.JSON)) == [dict(zip("ab", row, strict=True)) for row in rows]
    read = list(csv.reader(io.StringIO(table.render(Format.CSV), newline="")))
    assert [[cell.removeprefix("'") for cell in row] for row in read[1:]] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    for form in (Format.MARKDOWN, Format.TABLE):
        lines = table.render(form).split("\n")
        assert len(lines) == 2 + len(rows)
        assert all(line.isprintable() for line in lines)


def test_a_negative_zero_is_zero() -> None:
    assert one_cell(-0.0, Format.TABLE).split("\n")[2].strip() == "0"


def test_json_gives_days_and_instants_in_iso_8601_marked_as_utc() -> None:
    values = {
        "day": date(2026, 8, 21),
        "naive": datetime(2026, 8, 21, 7, 45),
        "aware": datetime(2026, 8, 21, 7, 45, tzinfo=UTC),
        "name": "Ä",
        "nothing": None,
        "number": 7_519_183_440_956,
    }
    text = to_json(values)
    assert json.loads(text) == {
        "day": "2026-08-21",
        "naive": "2026-08-21T07:45:00Z",
        "aware": "2026-08-21T07:45:00+00:00",
        "name": "Ä",
        "nothing": None,
        "number": 7_519_183_440_956,
    }
    assert text.isascii()


def test_json_has_null_for_what_it_cannot_write() -> None:
    values = {"day": date(2026, 8, 21), "rates": [float("inf"), -float("inf"), float("nan"), 0.1]}
    for indent in (2, None):
        assert json.loads(to_json(values, indent=indent), parse_constant=pytest.fail) == {
            "day": "2026-08-21",
            "rates": [None, None, None, 0.1],
        }


@pytest.mark.parametrize("name", HOSTILE)
def test_json_keeps_hostile_names_as_data(name: str) -> None:
    assert json.loads(one_cell(name, Format.JSON)) == [{"name": name}]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "unlisted"),
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (1234, "1.23 k"),
        (12_345, "12.3 k"),
        (999_499, "999.5 k"),
        (999_500, "1.00 M"),
        (1e9, "1.00 B"),
        (9.994e9, "9.99 B"),
        (9.995e9, "10.0 B"),
        (999.4e9, "999.4 B"),
        (999.6e9, "1.00 T"),
        (7_519_183_440_956, "7.52 T"),
        (12_071_000_000_000, "12.1 T"),
        (123e12, "123.0 T"),
        (9.995e15, "9,995.0 T"),
        (-1500, "-1.50 k"),
    ],
)
def test_tokens_are_shortened(count: float | None, text: str) -> None:
    assert tokens(count) == text


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**16))
def test_shortened_tokens_are_within_half_a_percent(count: int) -> None:
    number, _, unit = tokens(count).partition(" ")
    scale = {"": 1, "k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}[unit]
    shortened = float(number.replace(",", ""))
    assert abs(shortened * scale - count) <= 0.006 * count
    assert shortened < 1000 or unit == "T"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.06, "+0.1 %"), (3.14159, "+3.1 %"), (-3.14159, "-3.1 %"), (999.94, "+999.9 %"), (12345.6, "+12,346 %")],
)
def test_rates_carry_their_sign(value: float, text: str) -> None:
    assert signed(value) == text


@pytest.mark.parametrize("value", [0.0, -0.0, 0.04, -0.04])
@pytest.mark.parametrize("unit", ["%", "pp"])
def test_what_rounds_to_nothing_has_no_sign(value: float, unit: str) -> None:
    assert signed(value, unit) == f"0.0 {unit}"


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (1500, "+1.50 k"), (-1500, "-1.50 k")])
def test_a_change_of_tokens_carries_its_sign_where_there_is_one(count: int, text: str) -> None:
    assert signed_tokens(count) == text


def test_a_rate_can_have_another_unit() -> None:
    assert signed(-0.5, "pp") == "-0.5 pp"


counts = st.integers(0, 10**14)


def height(bar: str) -> float:
    return (BARS.index(bar) + 1) / 8 if bar != ZERO else 0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.none() | counts, max_size=60))
def test_a_sparkline_has_a_letter_a_value_and_a_gap_only_for_what_is_not_there(values: list[int | None]) -> None:
    line = sparkline(values)
    assert len(line) == len(values)
    assert [letter == GAP for letter in line] == [value is None for value in values]
    assert [letter == ZERO for letter in line] == [value == 0 for value in values]


@settings(max_examples=200, deadline=None)
@given(st.lists(counts, min_size=1, max_size=60).filter(any))
def test_a_bar_is_as_high_as_its_value_to_half_an_eighth_counted_from_zero(values: list[int]) -> None:
    line = sparkline(values)
    assert line[values.index(max(values))] == "█"
    for value, bar in zip(values, line, strict=True):
        share = value / max(values)
        assert abs(height(bar) - share) <= 1 / 16 + 1e-9 or (bar == "▁" and share < 1 / 8)
    ordered = sparkline(sorted(values))
    assert list(ordered) == sorted(ordered)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([None, None], "··"),
        ([0, 0], "00"),
        ([7], "█"),
        ([98, 99, 100], "███"),
        ([None, 1, 50, 100, None, 25], "·▁▄█·▂"),
        ([0, None, 1, 10**12], "0·▁█"),
    ],
)
def test_a_sparkline_neither_hides_what_is_flat_nor_draws_what_is_not_there(
    values: list[int | None], line: str
) -> None:
    assert sparkline(values) == line


def test_bars_are_for_people_and_only_where_there_is_room() -> None:
    table = Table("Title", ["model", "tokens"], [["a", 2], ["b", 1]], "Source: x", ["▁█", "·▄"])
    plain = Table("Title", ["model", "tokens"], [["a", 2], ["b", 1]], "Source: x")
    with_bars = [
        "Title",
        "model  tokens  last 28 days",
        "-----  ------  ------------",
        "a           2  ▁█",
        "b           1  ·▄",
        "Bars: listed tokens, from zero to the row's greatest day; 0 where that is none, "
        "· where nothing is listed or loaded. Source: x",
    ]
    assert table.render(Format.TABLE).split("\n") == with_bars
    assert table.render(Format.TABLE, 27).split("\n") == with_bars
    assert table.render(Format.TABLE, 26) == plain.render(Format.TABLE)
    assert "| a | 2 | ▁█ |" in table.render(Format.MARKDOWN, 26)
    for form in (Format.CSV, Format.JSON):
        assert table.render(form) == plain.render(form)


def test_what_a_terminal_cannot_encode_has_a_look_alike_of_one_column_or_its_escape() -> None:
    codecs.register_error("plain_letter", plain_letter)
    text = f"{BARS}{GAP} \N{EN DASH} … \N{REPLACEMENT CHARACTER} Ä 中"
    assert text.encode("ascii", "plain_letter").decode() == r"12345678. - ~ ? \xc4 \u4e2d"
    assert text.encode("cp1252", "plain_letter").decode("cp1252") == "12345678· \N{EN DASH} … ? Ä \\u4e2d"
    assert text.encode("utf-8", "plain_letter").decode() == text


def test_the_calendar_tells_its_states_apart_on_any_terminal() -> None:
    codecs.register_error("plain_letter", plain_letter)
    marks = "".join(MARKS.values()).encode("ascii", "plain_letter").decode()
    assert len(set(marks)) == len(marks) == len(MARKS)
