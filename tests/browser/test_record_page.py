"""The HTML record in a real browser: quiet console, links, sorting, filter, dialog, strangers' text, width, speed."""

from __future__ import annotations

import importlib.util
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tunebook.record import View, write_all

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
RECORDS = Path(__file__).parents[1] / "golden" / "records"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
BIG_TRIALS = 100
OPEN = "document.querySelectorAll('details.fold').forEach((d) => { d.open = true; })"
"""Opens what the page folds away."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; .ci/install-browser does that"),
]


@pytest.fixture(scope="module")
def study():
    spec = importlib.util.spec_from_file_location("browser_handmade_study", RECORDS / "handmade_study.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make(n_validation=1000, n_test=300, steps=12)


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    """The record of a large study: a hundred trials on a thousand examples."""
    trials = dict(study.history.trials)
    originals = [fact for fact in trials.values() if fact.trial.id and "validation" in fact.outcomes]
    while len(trials) <= BIG_TRIALS:
        fact = originals[len(trials) % len(originals)]
        trials[len(trials)] = replace(fact, trial=replace(fact.trial, id=len(trials)))
    folder = tmp_path_factory.mktemp("page")
    write_all(folder, View(**study._replace(history=replace(study.history, trials=trials))._asdict()))
    return folder


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, folder):
    """The page, opened; every console message, script error and request for another file fails the test."""
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
    page.goto((folder / "record.html").as_uri())
    page.evaluate(OPEN)
    yield page
    assert said == []
    assert page.title() == "Tuning record: ticket routing"
    context.close()


def column(page, title):
    """Texts of the visible cells under a column title of the full table."""
    index = page.eval_on_selector_all("#full thead th", "(heads) => heads.map((h) => h.textContent)").index(title)
    return page.eval_on_selector_all(
        "#full tbody tr", f"(rows) => rows.filter((r) => !r.hidden).map((r) => r.cells[{index}].textContent)"
    )


def test_page_is_small_and_opens_within_two_seconds(browser, folder):
    path = folder / "record.html"
    assert path.stat().st_size < 15_000_000
    page = browser.new_page()
    started = time.monotonic()
    page.goto(path.as_uri(), wait_until="load")
    page.wait_for_function("document.getElementById('shown').textContent !== ''")
    timing = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert min(timing / 1000, time.monotonic() - started) < 2
    page.close()


def test_every_link_within_the_page_leads_somewhere(page):
    links = page.eval_on_selector_all("a[href^='#']", "(links) => links.map((a) => a.getAttribute('href'))")
    assert len(links) > 15
    missing = page.evaluate("(links) => links.filter((l) => !document.getElementById(l.slice(1)))", links)
    assert missing == []


def test_contents_lead_to_their_section(page):
    page.click("nav a[href='#trials']")
    assert page.evaluate("document.getElementById('trials').getBoundingClientRect().top") < 900


def test_columns_sort_both_ways_by_their_numbers(page):
    page.click("#full th button:text-is('Accuracy')")
    shown = [float(text.split()[0]) for text in column(page, "Accuracy") if text != "–"]
    assert shown == sorted(shown)
    assert len(shown) > 50
    page.click("#full th button:text-is('Accuracy')")
    shown = [text for text in column(page, "Accuracy")]
    numbers = [float(text.split()[0]) for text in shown if text != "–"]
    assert numbers == sorted(numbers, reverse=True)
    assert shown[-1] == "–"
    page.click("#full th button:text-is('learning rate')")
    rates = [float(text) for text in column(page, "learning rate")]
    assert rates == sorted(rates)


def test_table_filters_by_text_and_by_state(page):
    page.select_option("#state", "diverged")
    assert set(column(page, "State")) == {"diverged"}
    page.select_option("#state", "")
    page.fill("#filter", "choosing a rate")
    assert set(column(page, "Purpose")) == {"choosing a rate"}
    assert page.text_content("#shown").startswith(str(len(column(page, "Purpose"))))


def test_dialog_opens_by_mouse_and_shows_where_the_trial_differs(page):
    page.click("#full .open >> nth=7")
    assert page.is_visible("dialog[open]")
    assert page.text_content("#trial-title") == "Trial 8: learning rate 6e-4"
    assert page.text_content("#trial-body td.differs") == "6e-4"
    assert page.locator("#trial-body svg path").count() >= 2
    first = page.locator("#trial-body .example").first
    answers = first.locator("code").all_text_contents()
    assert len(answers) == 3
    gold, here, baseline = answers
    assert here == gold != baseline


def test_dialog_opens_and_closes_by_keyboard(page):
    page.focus("#full .open >> nth=2")
    page.keyboard.press("Enter")
    assert page.is_visible("dialog[open]")
    page.keyboard.press("Escape")
    assert not page.is_visible("dialog")
    assert page.evaluate("document.activeElement.dataset.trial") == "3"


def test_trials_of_a_round_open_from_its_table(page):
    page.click("#round-1 a[data-trial='6']")
    assert page.text_content("#trial-title").startswith("Trial 6:")


def test_script_in_dataset_text_never_runs(page):
    page.evaluate("document.querySelectorAll('#full .open').forEach((b) => { b.click(); })")
    for number in (6, 8, 12, 29):
        page.evaluate("document.querySelector('dialog').close()")
        page.click(f"#full .open[data-trial='{number}']")
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        page.wait_for_timeout(50)
    assert page.title() == "Tuning record: ticket routing"
    assert page.locator("main img, dialog img").count() == 0


def test_theme_can_be_switched(page):
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


HIDDEN = """[...document.querySelectorAll('.scroll')].filter((s) => s.scrollWidth > s.clientWidth + 1)
  .map((s) => s.closest('[id]').id)"""


@pytest.mark.parametrize("width", [390, 768, 1400, 1920])
def test_page_is_never_wider_than_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width >= 1400:
        assert page.evaluate(HIDDEN) == [], "columns that only scrolling shows"
    page.click("#full .open >> nth=0")
    assert page.evaluate("document.querySelector('dialog').getBoundingClientRect().right") <= width


CONTRAST = """(selector) => {
  const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = numbers(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  return Math.min(...[...document.querySelectorAll(selector)].map((e) => {
    const [a, b] = [light(numbers(getComputedStyle(e).color)), light(behind(e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }));
}"""
"""The least ratio of luminance between text and what is behind it (WCAG 2.1, 1.4.3: at least 4.5)."""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_in_both_themes(page, theme):
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    for selector in ("p", "td", "th", "nav a", ".hint", "a", "code", "#full .open", ".group", "dt"):
        assert page.evaluate(CONTRAST, selector) >= 4.5, selector


def test_figures_keep_their_text_and_fit_the_page(page):
    assert page.locator("svg.plot text").count() > 50
    widths = page.eval_on_selector_all("svg.plot", "(all) => all.map((s) => s.getBoundingClientRect().width)")
    assert all(300 < width < 800 for width in widths)
    page.set_viewport_size({"width": 390, "height": 800})
    sizes = page.eval_on_selector_all("svg.plot text", "(all) => all.map((t) => t.getBoundingClientRect().height)")
    assert min(size for size in sizes if size) > 7


def test_page_prints(page):
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_what_is_folded_away_opens_for_a_link_and_for_printing(browser, folder):
    page = browser.new_page()
    page.goto((folder / "record.html").as_uri())
    shut = "[...document.querySelectorAll('details.fold')].filter((d) => !d.open).length"
    assert page.evaluate(shut) > 8
    page.evaluate("document.querySelector(\"nav a[href='#round-1']\").click()")
    assert page.evaluate("document.getElementById('round-1').open")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(shut) == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(shut) > 8
    page.close()


def test_a_mark_says_its_value_by_mouse_and_by_arrow_keys(page):
    marks = page.locator("#figure-effects .v")
    marks.first.hover()
    assert page.text_content("#tip") == marks.first.get_attribute("aria-label")
    marks.first.focus()
    page.keyboard.press("ArrowDown")
    assert page.text_content("#tip") == marks.nth(1).get_attribute("aria-label")
    page.keyboard.press("Escape")
    assert not page.is_visible("#tip")


def test_the_best_configuration_is_copied_with_one_click(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#copy")
    page.wait_for_function("document.querySelector('#copy').textContent === 'Copied'")  # the clipboard answers later
    assert page.evaluate("getSelection().toString()").startswith("learning_rate: ")
