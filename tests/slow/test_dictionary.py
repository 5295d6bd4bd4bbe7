"""The data dictionary as its readers meet it: from disk, in both themes, on a phone, by keyboard, on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline import dictionary
from tests.browser import PHONE, WIDE, Opened, opened, overflow, violations

if TYPE_CHECKING:
    from typing import Literal

    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

GROWTH = "marts.fct_token_growth_daily"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("dictionary") / "dictionary.html"
    path.write_text(dictionary.page(), encoding="utf-8")
    return path.as_uri()


def lit(seen: Opened, way: str) -> set[str]:
    found: list[str] = seen.page.eval_on_selector_all(
        f"#drawing a.{way}", "nodes => nodes.map(node => node.getAttribute('href'))"
    )
    return set(found)


def shown(seen: Opened) -> list[str]:
    found: list[str] = seen.page.eval_on_selector_all(
        "article", "all => all.filter(one => one.checkVisibility()).map(one => one.id)"
    )
    return found


@pytest.mark.parametrize(("width", "theme"), [(WIDE, "light"), (PHONE, "dark")])
def test_it_fits_asks_for_nothing_and_shuts_nobody_out(
    browser: Browser, url: str, width: int, theme: Literal["light", "dark"]
) -> None:
    seen = opened(browser, f"{url}#{GROWTH}", width=width, theme=theme)
    assert overflow(seen.page) == 0
    seen.page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true })")
    assert overflow(seen.page) == 0
    # All are alike, and axe-core would take half a minute for all of them.
    seen.page.eval_on_selector_all(
        "article ~ article, #drawing a ~ a, #drawing path", "all => all.forEach(one => one.remove())"
    )
    assert violations(seen.page) == []
    assert (seen.errors, seen.requests) == ([], [])


def test_a_table_that_is_pointed_at_shows_what_it_is_made_of_and_what_is_made_of_it(browser: Browser, url: str) -> None:
    seen = opened(browser, url)
    node = seen.page.locator(f"#drawing a[href='#{GROWTH}']")
    node.focus()
    assert {"#source.rankings-daily", "#raw.models", "#curated.organisations", "#meta.loads"} <= lit(seen, "up")
    assert {"#marts.growth_total", "#marts.fct_trend", "#claims.breadth"} <= lit(seen, "down")
    assert lit(seen, "up") & lit(seen, "down") == set()
    assert "#source.benchmarks" not in lit(seen, "up") | lit(seen, "down")
    seen.page.locator("#drawing a[href='#marts.fct_benchmarks']").hover()
    assert lit(seen, "up") == {"#source.benchmarks", "#raw.benchmarks", "#staging.stg_benchmarks"} | {
        "#staging.stg_snapshots",
        "#meta.loads",
    }
    assert lit(seen, "down") == set()
    node.focus()
    node.press("Enter")
    assert seen.page.url.endswith(f"#{GROWTH}")
    assert seen.page.locator(f"[id='{GROWTH}'] tbody").is_visible()
    seen.page.locator(f"[id='{GROWTH}.growth_7d_pct'] .of a").first.click()
    assert seen.page.locator("[id='intermediate.int_entity_windows.is_censored_7d']").is_visible()
    seen.page.mouse.move(0, 0)
    assert lit(seen, "own") == {"#intermediate.int_entity_windows"}


def test_the_search_finds_tables_and_columns(browser: Browser, url: str) -> None:
    seen = opened(browser, url, width=PHONE)
    search = seen.page.get_by_role("searchbox", name="Search tables, columns and their meaning")
    search.fill("herfindahl")
    assert shown(seen) == ["marts.fct_concentration_daily"]
    assert seen.page.get_by_role("status").text_content() == "1 table"
    search.fill("fct_price_changes window_days")
    assert seen.page.locator("[id='marts.fct_price_changes.window_days']").is_visible()
    assert seen.page.locator("tbody tr:visible").count() == 1
    search.fill("zebra")
    assert (shown(seen), seen.page.get_by_role("status").text_content()) == ([], "0 tables")
    search.fill("")
    assert len(shown(seen)) > 150
    assert seen.page.locator("#drawing").is_visible()


def test_paper_shows_every_column(browser: Browser, url: str) -> None:
    seen = opened(browser, url)
    seen.page.evaluate("window.print = () => {}; dispatchEvent(new Event('beforeprint'))")
    assert seen.page.locator("details:not([open])").count() == 0
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.locator("details[open]").count() == 0
