"""The pages of reports/ in a real browser: what a reader sees, reaches and copies."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from contract_tests.self_tests.report.sample_reports import write_pages, write_samples
from contract_tests.spec.contract import ROOT

SCREENSHOTS = ROOT / "reports" / "screenshots"
MEASURE = (Path(__file__).parent / "measure_page.js").read_text("utf-8")

PAGES = ("index.html", "boundaries.html", "faults.html", "spec-diff.html")
PHONE = ViewportSize(width=375, height=812)
DESK = ViewportSize(width=1280, height=900)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# A browser that does nothing but show the page.
QUIET = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic",
)  # fmt: skip

REACHABLE = "a[href], button, summary, .scroll"
MOST_STEPS = 2000


def test_a_browser_is_there() -> None:
    """Where CI or REQUIRE_BROWSER is set, a missing browser is a failure and not a gap."""
    assert _browser_path() or not _is_required(), "no browser found; install the package chromium, or google-chrome"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that ends with this module: while it runs, no other test may start an event loop."""
    path = _browser_path()
    if path is None:
        pytest.skip("no browser found; install the package chromium to run these tests")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every page, written from samples."""
    folder = tmp_path_factory.mktemp("reports")
    write_samples(folder)
    write_pages(folder)
    return folder


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A profile of its own, which may use the clipboard."""
    context = browser.new_context(viewport=DESK, permissions=["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page_fits_and_is_readable(browser: Browser, folder: Path, name: str, scheme: Any) -> None:
    """At 375 and 1,280 pixels nothing overflows, is cut or covered, and all text has the contrast of WCAG AA."""
    context = browser.new_context(viewport=DESK, color_scheme=scheme)
    page = context.new_page()
    noise = _listen(page)
    page.goto((folder / name).as_uri())
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        _keep(page, f"{name.removesuffix('.html')}-{size['width']}-{scheme}")
    _unfold(page)
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert _faults(page, size["width"]) == {}
    assert noise == []
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_prints(context: BrowserContext, folder: Path, name: str) -> None:
    """On paper a page is dark on white, unfolded and without buttons, also where the screen is dark."""
    page = context.new_page()
    noise = _listen(page)
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 700, "height": 1000})
    page.goto((folder / name).as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("button:visible, nav:visible").count() == 0
    assert page.locator("details:not([open])").count() == 0
    assert _faults(page, 700) == {}
    _keep(page, f"{name.removesuffix('.html')}-print")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert noise == []


@pytest.mark.parametrize("name", PAGES)
def test_each_button_copies_its_line(context: BrowserContext, folder: Path, name: str) -> None:
    """A button copies its text to the character, and says so to whoever cannot see it."""
    page = context.new_page()
    noise = _listen(page)
    page.clock.install(time=0)
    page.goto((folder / name).as_uri())
    page.clock.pause_at(60_000)  # so that what a button says stays until it has been read, on a busy machine too
    _unfold(page)
    for button in page.locator("button[data-copy]").all():
        wanted = json.loads(button.get_attribute("data-copy") or "")
        button.click()
        expect(button).to_have_text("Copied")
        # A clipboard holds text, and half of a surrogate pair is none.
        assert page.evaluate("navigator.clipboard.readText()") == re.sub("[\ud800-\udfff]", "\ufffd", wanted)
        assert page.locator("#notice").inner_text().startswith("Copied: ")
        assert page.evaluate("document.activeElement.textContent") == "Copied"
    page.clock.run_for(5_000)
    assert set(page.locator("button[data-copy]").all_inner_texts()) <= {"Copy"}
    assert page.locator("#notice").inner_text() == ""
    assert noise == []


def test_findings_have_their_lines(context: BrowserContext, folder: Path) -> None:
    """Each finding of the index and of the map has a button for its curl line, in sight without unfolding anything."""
    page = context.new_page()
    rows = json.loads((folder / "boundaries.json").read_text("utf-8"))
    found = [row for row in rows if row["verdict"] in ("looser", "tighter", "altered")]
    wanted = [row[key] for row in found for key in ("curl_accepted", "curl_rejected") if row[key]]
    page.goto((folder / "boundaries.html").as_uri())
    assert sorted(set(wanted)) == sorted(set(_copied(page)))
    wanted = [found["curl"] for found in json.loads((folder / "run.json").read_text("utf-8"))["violations"]]
    page.goto((folder / "index.html").as_uri())
    assert set(wanted) <= set(_copied(page))


def test_copying_works_without_a_clipboard(context: BrowserContext, folder: Path) -> None:
    """A browser that gives a file no clipboard copies all the same."""
    page = context.new_page()
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto((folder / "index.html").as_uri())
    button = page.locator("button[data-copy]").last
    wanted = json.loads(button.get_attribute("data-copy") or "")
    button.click()
    expect(button).to_have_text("Copied")
    other = context.new_page()
    other.goto((folder / "faults.html").as_uri())
    assert other.evaluate("navigator.clipboard.readText()") == wanted


@pytest.mark.parametrize("name", PAGES)
def test_everything_is_reached_by_keyboard(context: BrowserContext, folder: Path, name: str) -> None:
    """Tab reaches each link, button and fold in the order of the page, and one sees where one is."""
    page = context.new_page()
    page.goto((folder / name).as_uri())
    wanted = page.evaluate(
        f"[...document.querySelectorAll({REACHABLE!r})].filter(e => e.checkVisibility()).map((e, i) => e.dataset.step = i).length"
    )
    for step in range(min(wanted, MOST_STEPS)):
        page.keyboard.press("Tab")
        reached = page.evaluate(
            "(e => { const s = getComputedStyle(e); return [e.dataset.step, s.outlineStyle, parseFloat(s.outlineWidth)] })"
            "(document.activeElement)"
        )
        assert reached == [str(step), "solid", 3]


def test_fold_opens_by_keyboard(context: BrowserContext, folder: Path) -> None:
    """Enter opens a fold, and its buttons are reached then."""
    page = context.new_page()
    page.goto((folder / "boundaries.html").as_uri())
    fold = page.locator("details:has(button)").first
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('details[open] button')")


@pytest.mark.parametrize("name", PAGES)
def test_hostile_text_runs_nothing(context: BrowserContext, folder: Path, name: str) -> None:
    """What a value holds is shown and never run, and the page's own policy would stop it."""
    page = context.new_page()
    noise = _listen(page)
    page.goto((folder / name).as_uri())
    assert page.title() != "run"
    assert "<script>document.title='run'</script>" in (page.locator("body").text_content() or "")
    assert noise == []
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'document.title = \"run\"'}))"
    )
    page.evaluate("new Image().src = 'http://127.0.0.1:9/'")
    assert page.title() != "run"
    assert not [line for line in noise if line.startswith("request")]


@pytest.mark.parametrize("name", PAGES)
def test_drawings_are_told_in_words(context: BrowserContext, folder: Path, name: str) -> None:
    """Each drawing has a name and a description, or is hidden from who cannot see it because words beside it say it."""
    page = context.new_page()
    page.goto((folder / name).as_uri())
    untold = page.evaluate(
        "[...document.querySelectorAll('svg:not([aria-hidden=true])')]"
        ".filter(drawing => !['title', 'desc'].every(part => drawing.querySelector(part)?.textContent.trim())).length"
    )
    assert untold == 0


def _browser_path() -> str | None:
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def _is_required() -> bool:
    return bool(os.environ.get("CI") or os.environ.get("REQUIRE_BROWSER"))


def _listen(page: Page) -> list[str]:
    """Note everything that a page should not do: messages, errors, requests to anything but its own file."""
    noise: list[str] = []

    def ask(route: Any) -> None:
        url = route.request.url
        if url.startswith("file:") and url.endswith(PAGES):
            route.continue_()
        else:
            noise.append(f"request {url}")
            route.abort()

    page.route("**/*", ask)
    page.on("console", lambda message: noise.append(f"console {message.text}"))
    page.on("pageerror", lambda error: noise.append(f"error {error}"))
    return noise


def _keep(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def _unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")


def _faults(page: Page, width: int) -> dict[str, Any]:
    """Return what is wrong with how a page looks, by kind."""
    found = page.evaluate(MEASURE)
    faults = {kind: sorted(set(what))[:10] for kind, what in found.items() if kind != "width" and what}
    return faults | ({"width": found["width"]} if found["width"] > width else {})


def _copied(page: Page) -> list[str]:
    """Return what the buttons in sight copy, the YAML among it left out."""
    buttons = page.locator("button[data-copy]:visible").all()
    return [
        json.loads(button.get_attribute("data-copy") or "")
        for button in buttons
        if "curl" in (button.get_attribute("data-what") or "")
    ]
