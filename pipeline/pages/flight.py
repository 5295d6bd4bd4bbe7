"""Reads what a saved Next.js page pushes to its React components: HTML, to one stream, to rows of JSON.

The page brings its data in a stream `<hexid>:<payload>` that many small scripts push in pieces.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.contracts import bounded_json
from pipeline.errors import ContractBrokenError

MAX_BYTES = 8 * 2**20  # sixteen times the recorded rankings page

PUSH = re.compile(r"__next_f(?:\s*\|\|\s*\[\]\s*\))?\.push\(\s*(?=\[)")
PUSH_END = re.compile(r"\s*\)")
# Rows of text (T) and binary kinds state their length in bytes; they may hold newlines and end without one.
ROW = re.compile(rb"\n*([0-9a-f]{0,16}):(?:[TAOoUSsLlGgMmVb]([0-9a-f]{1,8}),)?")
JSON_STARTS = frozenset(b'{["-0123456789tfn')


@dataclass(frozen=True)
class Html:
    """What of a page matters here. A streamed page may bring its title late, after those of icons."""

    titles: tuple[str, ...]
    scripts: tuple[str, ...]
    is_whole: bool


def broken(what: str, sentence: str) -> ContractBrokenError:
    """Return the error for a page that is not as it should be."""
    return ContractBrokenError(f"{what} {sentence}. Nothing of it was landed.")


def read_html(body: bytes, what: str) -> Html:
    """Return the titles and scripts of a page; raise ContractBrokenError where it is no HTML in UTF-8."""
    from bs4 import BeautifulSoup  # takes 0.2 s, and a run without a page does not need it
    from bs4.exceptions import ParserRejectedMarkup
    from bs4.filter import SoupStrainer

    if len(body) > MAX_BYTES:
        raise broken(what, f"is larger than {MAX_BYTES} bytes")
    try:
        html = body.decode("utf-8-sig")
        with warnings.catch_warnings():
            # That a text resembles a file name or XML is no concern: the title decides what it is.
            warnings.simplefilter("ignore")
            soup = BeautifulSoup(html, "html.parser", parse_only=SoupStrainer(["title", "script"]))
    except (UnicodeDecodeError, ParserRejectedMarkup):
        raise broken(what, "is not HTML in UTF-8") from None
    texts = [tag.find(string=True, recursive=False) for tag in soup.find_all("title")]
    return Html(
        titles=tuple(" ".join(str(text).split()) for text in texts if text),
        scripts=tuple(str(tag.contents[0]) for tag in soup.find_all("script") if tag.contents),
        is_whole="</html>" in html.lower(),
    )


def pushed_stream(scripts: Iterable[str], what: str) -> bytes:
    """Join what the scripts push; a row, and even a character of two UTF-16 units, may be cut between pushes."""
    chunks: list[str] = []
    for script in scripts:
        position = 0
        while start := PUSH.search(script, position):
            try:
                pushed, position = json.JSONDecoder().raw_decode(script, start.end())
            except (ValueError, RecursionError):
                raise broken(what, f"pushes invalid JSON, {script[start.end() :][:60]!r}") from None
            end = PUSH_END.match(script, position)
            if not end:
                raise broken(what, f"pushes more than JSON, {script[position:][:60]!r}")
            position = end.end()
            match pushed:
                case [1, str(chunk)]:
                    chunks.append(chunk)
                case [0] | [2, _]:  # the start, and the state of a form
                    pass
                case _:
                    raise broken(what, f"pushes an unknown kind of data, {script[start.end() :][:60]!r}")
    try:
        return "".join(chunks).encode("utf-16-le", "surrogatepass").decode("utf-16-le").encode()
    except UnicodeError:
        raise broken(what, "pushes half a character") from None


def stream_rows(stream: bytes, what: str) -> Iterator[tuple[str, Any]]:
    """Split the stream `<hexid>:<payload>`; yield the place and the value of each row that is JSON."""
    last = len(stream.rstrip(b"\n"))
    position = 0
    while position < last:
        head = ROW.match(stream, position)
        if not head:
            raise broken(what, f"has a damaged stream at byte {position}, {stream[position:][:40]!r}")
        place = f"{what}, row {head[1].decode()},"
        if head[2]:
            position = head.end() + int(head[2], 16)
            if position > len(stream):
                raise broken(place, "is cut off")
            continue
        end = stream.find(b"\n", head.end())
        end = len(stream) if end < 0 else end
        payload = stream[head.end() : end]
        # Rows of other kinds begin with a capital letter: modules (I), hints (HL), errors (E), debug data (D).
        if payload and payload[0] in JSON_STARTS:
            # React writes an absent value as text.
            yield place, bounded_json(payload, place, absent="$undefined")
        position = end
