"""The browser sees what is wrong with a page, so that a page without a finding is one that was looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import PHONE, opened, overflow, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

BAD = """<!doctype html><html><title>Bad</title><body style="width: 700px">
<p style="color: #999; background: #aaa">pale</p><img src="missing.png">
<script>console.error('said'); alert('shown'); throw new Error('thrown');</script>"""
GOOD = '<!doctype html><html lang="en"><title>Good</title><main><h1>Good</h1><img alt="" src="data:image/gif,"></main>'


def test_a_bad_page_is_found_out(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text(BAD, encoding="utf-8")
    seen = opened(browser, path.as_uri(), width=PHONE)
    assert ["said" in seen.errors, "thrown" in seen.errors] == [True, True]
    assert seen.dialogs == ["shown"]
    assert seen.requests == [(tmp_path / "missing.png").as_uri()]
    assert {one.split()[0] for one in violations(seen.page)} == {"color-contrast", "html-has-lang", "image-alt"}
    assert overflow(seen.page) > 300


def test_a_good_page_is_left_alone(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "good.html"
    path.write_text(GOOD, encoding="utf-8")
    seen = opened(browser, path.as_uri(), theme="dark")
    assert seen.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (seen.errors, seen.requests, violations(seen.page), overflow(seen.page)) == ([], [], [], 0)
