import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from tunebook.core.facts import Curve
from tunebook.record import View, write_all
from tunebook.record.plots import draw_all
from tunebook.record.plots.effects import effects
from tunebook.record.plots.gallery import PAINTERS
from tunebook.record.plots.overview import timeline
from tunebook.record.plots.style import Paper, chinese_font
from tunebook.words import words_for

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawings(view):
    return {drawing.name: drawing for drawing in draw_all(view, "en")}


def texts(drawing):
    return [element.text for element in ElementTree.fromstring(drawing.svg).iter(f"{SVG}text")]


def test_every_picture_asks_its_question_in_its_title(drawings):
    assert len(drawings) == 9
    for drawing in drawings.values():
        assert drawing.title.endswith("?")
        assert drawing.title in " ".join(filter(None, texts(drawing)))
        assert drawing.says.endswith("."), drawing.name
        assert drawing.png.startswith(b"\x89PNG")


def test_effects_show_what_was_compared(drawings):
    shown = " ".join(filter(None, texts(drawings["effects"])))
    assert "learning rate 5e-5" in shown
    assert "difference from the baseline (points)" in shown


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_two_rows_of_the_effects_look_alike(view, language):
    figure, _ = effects(Paper(), view, words_for(language))
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(names) == len(set(names)) > 5
    assert not any("…" in name for name in names)


def test_pictures_are_the_same_each_time(view, drawings):
    again = {drawing.name: drawing for drawing in draw_all(view, "en", ["cost"])}
    assert again["cost"].svg == drawings["cost"].svg


def test_no_picture_without_its_data(handmade):
    names = {
        drawing.name
        for drawing in draw_all(View(**handmade.unfinished()._asdict()), "en", ["confirmation", "curve_best", "rounds"])
    }
    assert "confirmation" not in names
    assert "curve_best" not in names


def test_no_curves_where_none_were_kept(view):
    trials = {i: replace(f, curve=Curve()) for i, f in view.history.trials.items()}
    bare = replace(view, history=replace(view.history, trials=trials), notes=())
    assert draw_all(bare, "en", ["curves", "curve_best", "timeline"]) == ()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_time_line_tells_what_workers_did_beside_their_trials(view, language):
    span = {"worker": "worker 1 (cpu)", "seconds": 60.0, "start": 30.0, "end": 90.0}
    notes = (("trained_ahead", span), ("scored_part", span), ("trained_ahead", {"trials": 1, "seconds": 5.0}))
    words, alone = words_for(language), timeline(Paper(), view, words_for(language))
    figure, says = timeline(Paper(), replace(view, notes=(*view.notes, *notes)), words)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {words.label("leg_trained_ahead"), words.label("leg_scored_part")} <= set(legend)
    assert says.startswith(alone[1])
    assert len(says) > len(alone[1])
    ticks = [[label.get_text() for label in each.axes[0].get_yticklabels()] for each in (figure, alone[0])]
    assert ticks[0] == ticks[1], "what is beside has no slot of its own"


def test_chinese_labels_only_with_a_font_that_has_them(view, monkeypatch):
    monkeypatch.setattr("tunebook.record.plots.gallery.chinese_font", lambda: None)
    for drawing in draw_all(view, "zh", ["importance"]):
        assert all((text or "").isascii() for text in texts(drawing))
        assert drawing.title == words_for("zh").label("fig_importance")


def test_a_chinese_record_says_once_that_its_figures_are_in_english(study, monkeypatch, tmp_path):
    said = "图中文字是英文，因为没有找到含中文字符的字体"
    for font, times in ((None, 1), ("Some Font", 0)):
        monkeypatch.setattr("tunebook.record.writing.chinese_font", lambda font=font: font)
        monkeypatch.setattr("tunebook.record.plots.gallery.chinese_font", lambda: None)
        monkeypatch.setattr("tunebook.record.plots.gallery.PAINTERS", PAINTERS[4:5])
        paths = write_all(tmp_path, View(**study._asdict()), "zh")
        for name in ("record.md", "record.html"):
            assert paths[name].read_text(encoding="utf-8").count(said) == times


@pytest.mark.skipif(chinese_font() is None, reason="no font with Chinese characters here")
def test_chinese_pictures_have_no_missing_glyph(view, recwarn):
    drawings = draw_all(view, "zh", ["learning_rate", "importance"])
    assert any("学习率" in (text or "") for drawing in drawings for text in texts(drawing))
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]
