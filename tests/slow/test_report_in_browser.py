"""The report in a real browser: of the demo, of OpenRouter's recorded answers, and of a market of hostile names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from pipeline import jobs, report
from pipeline.settings import load_settings
from tests.browser import PHONE, WIDE, opened, overflow, violations
from tests.conftest import KEY
from tests.flows.test_hostile_market import Market, market

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["market"]
pytestmark = pytest.mark.slow
RECORDED = "2026-08-21T07:45:00Z"
MOST_BYTES = 3_000_000
# All charts but the price index, which takes prices that a second catalogue confirms.
DRAWN = {"total", "trends", "shares", "waterfall", "accounting", "free-and-paid", "contexts", "apps", "requests"}
DRAWN |= {"concentration", "spend", "coverage"}


@pytest.fixture(scope="module")
def demo(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the demo, both by the wheel, away from the checkout."""
    folder = tmp_path_factory.mktemp("demo")
    environment = os.environ | {"PYTHONPATH": str(site), "TOKENGROWTH_HOME": str(folder / "home")}

    def said(*words: str) -> str:
        command = [sys.executable, "-m", "pipeline", *words]
        return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout

    assert "SIMULATED DATA. Largest authors" in said("demo", "--home", "home")
    assert "report: 19 figures, 12 of them drawn" in said("report")
    return folder / "home" / "published" / "report.html"


@pytest.fixture(scope="module")
def recordings(replay_module: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("recordings")
    server = replay_module.start(RECORDED, keys=(KEY,), requests_per_minute=100_000)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "OPENROUTER_BASE_URL": server.base_url,
            "TOKENGROWTH_WEB_ARCHIVE_URL": server.base_url,
            "OPENROUTER_API_KEY": KEY,
            "TOKENGROWTH_NOW": RECORDED,
            "TOKENGROWTH_HOME": str(home),
            "TOKENGROWTH_STATE_DIR": str(home / "state"),
            "TOKENGROWTH_REQUESTS_PER_MINUTE": "100000",
            "TOKENGROWTH_WEB_ARCHIVE_REQUESTS_PER_MINUTE": "100000",
        }.items():
            environment.setenv(name, value)
        settings = load_settings()
        assert jobs.run(settings).is_published
        yield report.write(settings).path
    server.stop()


@pytest.fixture(scope="module")
def hostile(market: Market) -> Path:
    return report.write(market.settings).path


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("demo", DRAWN),
        pytest.param("recordings", DRAWN, marks=pytest.mark.recordings),
        ("hostile", DRAWN - {"contexts", "trends", "waterfall"}),
    ],
)
def test_the_page_is_fit_to_be_read(
    name: str, drawn: set[str], request: pytest.FixtureRequest, browser: Browser
) -> None:
    path: Path = request.getfixturevalue(name)
    assert path.stat().st_size < MOST_BYTES
    for theme in ("light", "dark"):
        for width in (WIDE, PHONE):
            seen = opened(browser, path.as_uri(), width=width, theme=theme)
            place = f"{theme}, {width} px"
            assert (seen.errors, seen.dialogs, seen.requests) == ([], [], []), place
            # It takes seconds; each theme and each width is looked at once.
            if (theme == "light") == (width == WIDE):
                assert violations(seen.page) == [], place
            assert overflow(seen.page) == 0, place
            # One of the two pictures is shown, and something is drawn in it.
            pictures = seen.page.evaluate(
                """() => [...document.querySelectorAll('article.figure')].flatMap((figure) =>
                    [...figure.querySelectorAll('.picture')].filter((one) => one.offsetParent).map((one) => ({
                        name: figure.getAttribute('aria-labelledby'),
                        width: one.querySelector('svg').getBoundingClientRect().width,
                        marks: [...one.querySelectorAll('[class*=role-mark] > *')]
                            .filter((mark) => mark.getBoundingClientRect().width > 0).length,
                    })))"""
            )
            assert len({one["name"] for one in pictures}) == len(pictures), place
            assert all(one["marks"] > 0 for one in pictures), (place, pictures)
            assert all(width * 0.6 < one["width"] <= width for one in pictures), place
            assert {one["name"] for one in pictures} >= drawn, place
            seen.page.context.close()


def test_a_pointer_and_the_keys_read_a_day(demo: Path, browser: Browser) -> None:
    page = opened(browser, demo.as_uri()).page
    figure = page.locator("article:has(#total) figure")
    readout = figure.locator(".readout")
    assert not readout.is_visible()
    figure.hover(position={"x": 400, "y": 100})
    assert readout.is_visible()
    under = readout.inner_text().splitlines()
    assert under[0].startswith("2025-")
    assert [line.partition(":")[0] for line in under[1:]] == ["tokens", "seven-day mean", "growth over 7 days", "state"]
    page.keyboard.press("Tab")
    page.mouse.move(0, 0)
    figure.focus()
    page.keyboard.press("End")
    assert readout.inner_text().startswith("2026-12-01")
    page.keyboard.press("ArrowLeft")
    assert readout.inner_text().startswith("2026-11-30")
    page.keyboard.press("Home")
    assert readout.inner_text().startswith("2025-01-0")
    page.keyboard.press("Escape")
    assert not readout.is_visible()


def test_what_a_finger_has_read_stays(demo: Path, browser: Browser) -> None:
    page = browser.new_context(viewport={"width": PHONE, "height": 844}, has_touch=True).new_page()
    page.goto(demo.as_uri())
    figure = page.locator("article:has(#total) figure")
    figure.tap(position={"x": 200, "y": 100})
    assert figure.locator(".readout").is_visible()
    page.locator("#growth").tap()
    assert not figure.locator(".readout").is_visible()


def test_the_reader_chooses_the_theme_and_prints_in_black_on_white(demo: Path, browser: Browser) -> None:
    page = opened(browser, demo.as_uri(), theme="dark").page
    ground: Callable[[], str] = lambda: page.evaluate("getComputedStyle(document.body).backgroundColor")  # noqa: E731
    button = page.get_by_role("button", name="Theme")
    dark, grounds = ground(), []
    for _ in range(3):
        button.click()
        grounds.append((button.inner_text(), ground()))
    assert grounds == [("Theme: light", "rgb(255, 255, 255)"), ("Theme: dark", dark), ("Theme: auto", dark)]
    page.emulate_media(media="print")
    assert ground() == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()


def test_it_is_read_without_scripts(demo: Path, browser: Browser) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(demo.as_uri())
    assert page.locator("article:has(#shares) .picture.wide svg").is_visible()
    assert not page.get_by_role("button", name="Theme").is_visible()
    page.locator("article:has(#shares) summary").first.click()
    assert page.locator("table.shares tbody tr").first.is_visible()
