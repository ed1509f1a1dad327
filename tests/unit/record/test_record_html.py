import base64
import hashlib
import html.parser
import json
import re
import time
from dataclasses import replace
from importlib import resources

import pytest

from tunebook.record import View, build
from tunebook.record.details import LIMITS, details
from tunebook.record.html import render
from tunebook.record.inline_svg import StyleSheet, inline
from tunebook.words import words_for


class Page(html.parser.HTMLParser):
    """What a browser would find: tags with attributes, and the text of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.raw, self._open = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open = tag if tag in ("script", "style") else None
        if self._open:
            self.raw.setdefault(tag, []).append((dict(attrs), ""))

    def handle_data(self, data):
        if self._open:
            attributes, text = self.raw[self._open][-1]
            self.raw[self._open][-1] = (attributes, text + data)

    def handle_endtag(self, tag):
        self._open = None


@pytest.fixture(scope="module")
def text(written):
    return (written / "record.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_policy_allows_this_script_and_this_style_only(page):
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    for kind, directive in (("script", "script-src"), ("style", "style-src")):
        own = [content for attributes, content in page.raw[kind] if attributes.get("type") != "application/json"]
        assert len(own) == 1
        digest = base64.b64encode(hashlib.sha256(own[0].encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


def test_nothing_in_the_page_needs_another_file(page, text):
    for _, attributes in page.tags:
        assert "src" not in attributes
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        link = attributes.get("href", "#")
        assert link.startswith("#"), link
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_links_within_the_page_have_targets_and_ids_are_unique(page):
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        if attributes.get("href", "#").startswith("#") and len(attributes.get("href", "#")) > 1:
            assert attributes["href"][1:] in ids


def test_strangers_markup_stays_text(page, text, handmade):
    scripts = [attributes for attributes, _ in page.raw["script"]]
    assert len(scripts) == 2
    assert not [tag for tag, attributes in page.tags if tag == "img"]
    assert "<!-- comment" not in text
    data = json.loads(next(content for attributes, content in page.raw["script"] if attributes.get("id") == "data"))
    assert "</script><script>document.title='owned'</script>" in data["prompts"] or any(
        "owned" in suspect for suspect in data["prompts"]
    )


def test_every_trial_can_be_opened(page, view):
    data = json.loads(next(content for attributes, content in page.raw["script"] if attributes.get("id") == "data"))
    assert set(data["trials"]) == {str(f.trial.id) for f in view.trials}
    buttons = {a["data-trial"] for t, a in page.tags if t == "button" and "data-trial" in a}
    assert buttons == set(data["trials"])


def test_differences_are_those_of_the_ledger(view):
    found = details(view, words_for("en"))
    for number, trial in found["trials"].items():
        if "d" not in trial:
            continue
        mine = view.history.trials[int(number)].outcomes[trial["x"]]
        theirs = view.history.trials[trial["b"]].outcomes[trial["x"]]
        assert len(trial["d"]) == int((mine.scores != theirs.scores).sum())
        for place, better, here, there in trial["d"]:
            assert better == int(mine.scores[place] > theirs.scores[place])
            assert found["answers"][here] == mine.answers[place]
            assert found["answers"][there] == theirs.answers[place]
            prompt, gold, _ = found["examples"][trial["x"]][place]
            assert found["answers"][gold] == view.examples(trial["x"])[place].gold
            assert found["prompts"][prompt].startswith(view.examples(trial["x"])[place].prompt[:5].strip("\x1b"))


def test_long_texts_are_shortened_and_it_is_said(view):
    long = tuple(replace(e, prompt=e.prompt + "x" * 5000) for e in view.examples("validation"))
    facts = replace(view.facts, examples={**view.facts.examples, "validation": long})
    found = details(replace(view, facts=facts), words_for("en"))
    assert found["shortened"] is True
    assert max(map(len, found["prompts"])) == LIMITS[0][0]


@pytest.mark.slow
def test_large_study_stays_small_on_disk_and_quick_to_write(handmade):
    spec, facts, history, conclusions, notes = handmade.make(n_validation=1000, n_test=100, steps=40)
    trials = dict(history.trials)
    originals = [f for f in trials.values() if f.trial.id and "validation" in f.outcomes]
    for number in range(len(trials), 101):
        fact = originals[number % len(originals)]
        trials[number] = replace(fact, trial=replace(fact.trial, id=number))
    big = View(spec=spec, facts=facts, history=replace(history, trials=trials), conclusions=conclusions, notes=notes)
    started = time.monotonic()
    text = render(build(big, "en"), [], details(big, words_for("en")))
    assert time.monotonic() - started < 60
    assert len(big.trials) >= 100
    assert len(text.encode()) < 15_000_000


def test_every_colour_of_a_figure_can_be_read_on_a_light_and_on_a_dark_page():
    """Contrast as in WCAG 2.1, 1.4.3; each theme is a rule that defines the variables."""
    sheet = resources.files("tunebook.record").joinpath("assets/record.css").read_text(encoding="utf-8")
    themes = [dict(re.findall(r"--(\w+):(#[0-9a-f]{6})", line)) for line in sheet.splitlines()[:3]]
    assert len(themes) == 3
    for theme in themes:
        for name in ("ink", "soft", "accent", "blue", "vermillion", "green", "orange", "sky", "purple", "grey"):
            a, b = sorted((light(theme[name]), light(theme["card"])), reverse=True)
            assert (a + 0.05) / (b + 0.05) >= 4.5, name


def light(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_marks_of_figures_say_their_values_and_are_reached_by_keyboard(written):
    page = Page((written / "record.html").read_text(encoding="utf-8"))
    marks = [attributes for tag, attributes in page.tags if tag == "g" and attributes.get("class") == "v"]
    assert len(marks) > 20
    assert all(attributes["tabindex"] == "-1" and attributes["role"] == "img" for attributes in marks)
    text = (written / "figures" / "effects.svg").read_text(encoding="utf-8")
    assert re.search(r"<title>learning rate 5e-5: -\d+\.\d points \(-\d", text)


def test_figure_inside_the_page_follows_its_colours():
    sheet = StyleSheet()
    svg = (
        '<?xml version="1.0"?><svg viewBox="0 0 1 1"><style>*{}</style>'
        '<g id="a" style="fill: #1B1F24; stroke: #FEFEFE"><use xlink:href="#b" clip-path="url(#c)"/></g></svg>'
    )
    found = inline(svg, "fig", 'what "this" shows', sheet)
    assert 'aria-label="what &quot;this&quot; shows"' in found
    assert 'id="fig-a"' in found
    assert 'href="#fig-b"' in found
    assert "url(#fig-c)" in found
    assert "style" not in found
    assert sheet.css() == ".f0{fill: var(--ink); stroke: var(--card)}"
