"""What a page is in a real browser: what it complains of, what it fetches, whom it shuts out, and what does not fit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDE, PHONE = 1280, 390


@dataclass(frozen=True)
class Opened:
    """A page as it stands, with the errors of its console, its dialogs, and what it asked for beside itself."""

    page: Page
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def launched() -> Iterator[Browser]:
    """Start the Chromium of the machine; a test is skipped where there is none, or nothing to steer it."""
    api = pytest.importorskip("playwright.sync_api", reason="the extra `readers` is not installed")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        pytest.skip("there is no Chromium on this machine")
    with api.sync_playwright() as playwright:
        # Without a sandbox, because root may not have one, and only our own pages are opened.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser: Browser, url: str, *, width: int = WIDE, theme: Literal["light", "dark"] = "light") -> Opened:
    """Open a page in a fresh context: nothing is remembered of another one."""
    page = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme).new_page()
    seen = Opened(page)
    page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    # What a page carries within itself (data:, blob:) is no request, although Chromium tells of it.
    page.on(
        "request",
        lambda request: (
            None
            if request.is_navigation_request() or request.url.startswith(("data:", "blob:"))
            else seen.requests.append(request.url)
        ),
    )
    page.goto(url)
    return seen


def violations(page: Page) -> list[str]:
    """Name each rule of axe-core that the page breaks seriously or critically, with the elements that do."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {', '.join(str(node['target'][0]) for node in one['nodes'])}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than the window: by as many a reader must scroll sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
