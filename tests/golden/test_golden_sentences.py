"""Every kind of sentence of the record, told of small histories, in both languages, to be read against each other.
`make golden` rewrites; review the diff."""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tunebook.core.findings import DescribedFactor, DescribedLevel, Importance, LowSeed, Verdict
from tunebook.core.service_metric import ServiceUsage
from tunebook.core.study import ContrastKind, Cut, Floor, RoundKind, TrialState
from tunebook.record import View, build, builder
from tunebook.record.boundary import boundary_sentence
from tunebook.words import LANGUAGES, words_for
from tunebook.words.chinese.opening import ChineseOpening
from tunebook.words.chinese.page import ChinesePage
from tunebook.words.chinese.rounds import ChineseRounds
from tunebook.words.chinese.whole import ChineseWhole
from tunebook.words.english.codes import WARNINGS
from tunebook.words.english.opening import EnglishOpening
from tunebook.words.english.page import EnglishPage
from tunebook.words.english.rounds import EnglishRounds
from tunebook.words.english.whole import EnglishWhole
from tunebook.words.marks import plain_text
from tunebook.words.values import Ending, Gain, Price

HERE = Path(__file__).parent
GOLDEN = HERE / "sentences" / "sentences.md"
KINDS = {"en": (EnglishOpening, EnglishPage, EnglishRounds, EnglishWhole),
         "zh": (ChineseOpening, ChinesePage, ChineseRounds, ChineseWhole)}  # fmt: skip
MOST_SHAPES = 6
"""Sentences of one kind that are kept, each of another shape."""


def _module(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def sentence_names() -> list[str]:
    """The methods of the record's words that make a sentence or a part of one."""
    return [
        name
        for kind in KINDS["en"]
        for name, value in vars(kind).items()
        if not name.startswith("_") and inspect.isfunction(value)
    ]


class Heard:
    """What was said, by sentence and language, in order; only what the record itself asked for."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str], list[str]] = {}
        self.inside = False

    def words(self, language: str, *args):
        words = words_for(language, *args)
        for name in sentence_names():
            setattr(words, name, self._listening(language, name, getattr(words, name)))
        return words

    def _listening(self, language, name, say):
        def said(*args, **named):
            if self.inside:
                return say(*args, **named)
            self.inside = True
            try:
                text = say(*args, **named)
            finally:
                self.inside = False
            self.said.setdefault((name, language), []).append(_shown(text))
            return text

        return said

    def pairs(self, name: str) -> list[tuple[str, str]]:
        """The sentences of one kind in both languages, the first of each shape."""
        kept = {}
        for english, chinese in zip(*(self.said.get((name, language), []) for language in LANGUAGES), strict=True):
            if english:
                kept.setdefault(re.sub(r"[\d.,e+-]+", "#", english), (english, chinese))
        return list(kept.values())[:MOST_SHAPES]


def _shown(text) -> str:
    return plain_text(text if isinstance(text, str) else " | ".join(map(str, text or ())))


def histories():
    """Small studies that went in every way that the record tells of."""
    tests = HERE.parent / "unit" / "record"
    sys.path.insert(0, str(tests))
    told = _module(tests / "test_first_sentence.py")
    handmade = _module(HERE / "records" / "handmade_study.py")
    simulated = _module(HERE / "records" / "simulated_study.py")
    views = [View(**simulated.make()._asdict()), View(**handmade.make(n_validation=120, n_test=60, steps=12)._asdict())]
    views.append(View(**handmade.unfinished()._asdict()))
    broke = {"right": 0.0, "seeds": 1, "state": TrialState.COLLAPSED, "reason": "constant_answer"}
    for best in ({}, {"best": broke}, {"best": {"right": {"validation": 0.88, "test": 0.5}}},
                 {"best": {"right": {"validation": 0.88, "test": 0.68}}}):  # fmt: skip
        views.append(told.explored(**best).view())
    views += [told.at_the_floor(falling=told.FALLING).view(), told.combined(baseline=told.FALLING).view()]
    views.append(told.at_the_floor(rights=(0.0, 0.0, 0.0)).view())
    views.append(told.explored(control=broke).view())
    return views


def made_directly():
    """(sentence, arguments in English, in Chinese) of kinds that need a study of their own."""
    story = _module(HERE.parent / "unit" / "record" / "test_record_sentences.py")
    finding = story.finding
    importance = Importance(
        factor="lora_r", share=0.4, rank=2, rank_interval=(1, 3), first_share=0.2, ranked=True, nothing_above=0.02
    )
    same = lambda *args: (args, args)  # noqa: E731
    yield "own_remark", *same(12)
    yield "cancelled_trial", *same(4)
    yield "stopped_trials", *same((4, 5))
    yield "checkpoint", *same(7)
    yield "one_answer", *same(0.93, 1, 2)
    yield "over_fitted", *same(2.0)
    yield "overfits", *same(8, 2.0, 0.61, 0.74, 2)
    for layout in ("one_factor", "balanced", "model"):
        yield "pilot_remark", *same(4e-4, layout)
    yield "too_few_to_describe", *same()
    yield "accuracies_point_elsewhere", *same("8", -0.048)
    yield "nothing_dropped", *same()
    yield "not_dropped", (["learning rate 8e-4"],), (["学习率 8e-4"],)
    yield "not_dropped", (["learning rate 8e-4", "2 epochs"],), (["学习率 8e-4", "2 个 epoch"],)
    yield "not_varied", (["rank"], ["rank 8"]), (["LoRA rank"], ["rank 8"])
    yield (
        "not_varied",
        (["rank", "dropout"], ["rank 8", "dropout 0"]),
        (["LoRA rank", "dropout"], ["rank 8", "dropout 0"]),
    )
    yield "beyond", ([("learning rate", "2e-3", True)],), ([("学习率", "2e-3", True)],)
    yield (
        "beyond",
        ([("rank", "32", True), ("dropout", "0.05", False)],),
        ([("LoRA rank", "32", True), ("dropout", "0.05", False)],),
    )
    yield "no_break", *same(2e-3)
    yield "untrained", *same(0.65, None)
    yield "untrained", *same(0.65, (0.455, 0.633))
    yield "outside_range", ([("rank 64", "8 to 32")],), ([("rank 64", "8～32")],)
    yield "one_seed", *same()
    yield "ahead_unconfirmed", *same("rank 64", 0.74, 0.706, (21, 22))
    yield "bracket_fixed", *same(["rank 8", "1 epoch"])
    yield "other_seeds", *same(0.117, 1)
    yield "other_seeds", *same(0.117, 2)
    yield "waiting_remark", *same("4-6")
    yield "cut", *same(Cut(code="end_levels", factors=("lora_r",), count=4))
    yield "ending", *same(Ending({8: TrialState.COMPLETED, 9: TrialState.DIVERGED}, ("loss_rose",), (41, 188), None, 9))
    yield "verdict", (finding(Verdict.NOT_INFERIOR, kind=ContrastKind.NON_INFERIORITY), "rank 32", 0.03), \
        (finding(Verdict.NOT_INFERIOR, kind=ContrastKind.NON_INFERIORITY), "rank 32", 0.03)  # fmt: skip
    for verdict in (Verdict.EQUIVALENT, Verdict.NOT_INFERIOR, Verdict.WORSE):
        yield "short_found", *same(finding(verdict), "rank 16", "rank 32", 0.03)
        yield "found", *same(finding(verdict), "rank 16", "rank 32", 0.03)
        yield "against_baseline", *same(verdict, [("8", 0.01), ("16", -0.02)], 0.03)
    yield "against_baseline", *same(Verdict.BETTER, [(str(n), 0.02) for n in range(6)], 0.03)
    for code, level in (("rank_more", "rank 64"), ("dropout_more", "dropout 0.1"), ("batch_more", "batch 16")):
        yield "wisdom", *same(code, level, finding(Verdict.WORSE))
    yield (
        "wisdom",
        ("epochs_more", "5 epochs", finding(Verdict.WORSE)),
        ("epochs_more", "5 个 epoch", finding(Verdict.WORSE)),
    )
    yield "simulated", *same("simulated")
    yield "nothing_yet", *same()
    yield "nothing_yet", *same(4)
    yield "leads_so_far", ("rank 32", "63.0 %"), ("rank 32", "63.0%")
    yield "keep_baseline", *same("rank 16", False)
    yield "keep_baseline", *same("rank 16", True)
    yield "none_within", *same({"length": 200})
    yield "stopped_early", *same()
    for untrained in (0.12, None):
        shown = [words_for(language).accuracy(0.66, (0.62, 0.7)) for language in LANGUAGES]
        yield "baseline_alone", *((text, untrained, untrained is not None) for text in shown)
    yield "cheaper", *same("rank 8", 0.03, Price(0.5, 2**20, 2**22))
    used = {"requests": 412, "judgements": 400, "prompt_tokens": 103_200, "completion_tokens": 8200}
    usage = ServiceUsage(**used, price=0.07, failures={"HTTP 503": 8, "timeout": 4}, models={"judge-1": 400})
    yield "service_usage", *same("judge", usage, None)
    twice = replace(usage, judged_twice=20, judged_the_same=17, noise=0.02, first_preferred=0.55, failures={})
    yield "service_usage", *same("judge", twice, 0.004)
    yield "unscored_answers", *same([(3, "validation", 2, 60), (5, "test", 1, 60)])
    yield "answers_failed", *same("baseline", 40, {"timeout": 3})
    yield "confirm_baseline_remark", *same()
    yield "only_its_loss", *same(1.024)
    for code in ("control_trials_failed", "control_diverged", "control_unequal_noise", "control_replicates_diverged"):
        yield "control_warning", (code, "the baseline"), (code, "基线")
    for spot in (("1e-3", "2e-3", "all", False), ("1e-3", "2e-3", "highest", True), ("2e-3", "2e-3", "highest", False)):
        yield "good_levels", *same(*spot)
    yield "use_best", *same("rank 32", "leading", True, False)
    yield "groups_lead", ("validation", False, False), ("验证集", False, False)
    yield "learned_nothing", *same(1, 2, 0.6)
    yield "on_average", *same("rank 16")
    yield "middle_of", *same("lora_r", "8", "32")
    yield "balanced_remark", *same()
    yield "part_of_design", *same()
    yield "nothing_open", *same()
    yield "english_figures", *same()
    yield "not_a_number", *same()
    yield "low_seed", *same(LowSeed(trial=9, accuracy=0.41, others=0.6, n_others=2))
    yield "one_low_seed", *same(LowSeed(trial=9, accuracy=0.41, others=0.6, n_others=2))
    yield "plugin", *same("metric", "overlap", "tunebook-example 1.2.0")
    floor = Floor(rates=(2e-4, 8e-4), epochs=3, accuracy=0.11, bar=0.12)
    yield "floor", *same(floor, True, "commonest")
    yield "floor", *same(floor, False, "untrained")
    for code in sorted(WARNINGS):
        yield "warning", *same(code)
    gain = Gain(
        accuracy=0.66, baseline_accuracy=0.6, effect=0.06, interval=(0.02, 0.1), level=0.99, relative=0.1,
        n_examples=300, seeds=(3, 3), told_apart=True, provisional=False,
    )  # fmt: skip
    yield "against_runner_up", ("rank 32", gain, True), ("rank 32", gain, True)
    yield "says_effects", *same(3, 1, 7, True)
    yield "says_effects", *same(1, 0, 0, True)
    yield "says_effects", *same(3, 1, 7, False)
    for spot, failed in ((("2e-4", "6e-4"), 2e-3), (("2e-4", "2e-4"), None), (None, 2e-3)):
        yield "says_rate", *same(spot, failed)
    yield "open_effect", *same("rank 16", "rank 32", finding(Verdict.INCONCLUSIVE))
    yield "added_by_you", *same("rank 16")
    yield "says_curve", *same("rose", (0.6, 0.75))
    for trend in ("falls", "falls_in_training"):
        yield "says_curve", *same(trend, (1.2, 0.9))
    yield "says_curve", *same("level", None)
    yield "says_loss", *same(4, 1.5, 0.734)
    for counts in ((2, 0, 3), (1, 1, 3), (0, 1, 2), (3, 1, 3)):
        yield "says_curves_differ", *same(*counts)
    yield "says_curves", *same(18, 1)
    yield "says_importance", *same("learning_rate", 0.81)
    yield "says_importance", *same(None, 0.0)
    yield "says_cost", *same(0.045, 1.7)
    yield "says_trade_off", *same("length", 3, ("63.0", "120 characters"), ("61.0", "40 characters"))
    yield "says_rounds", ("Round 2: refine", 0.03), ("第二轮：细化", 0.03)
    yield "says_first_round", *same(0.7)
    yield "says_confirmed", *same(0.7, 0.669)
    yield "says_timeline", *same(19, 8, False)
    yield "says_timeline", *same(19, 8, True)
    yield "advice", *same("keep_alone", "2e-4")
    yield "importance_line", *same([importance], ["lora_dropout"])
    yield "importance_line", *same([], [])
    worse = DescribedLevel(level=8, change=0.14, interval=(0.05, 0.24), difference=-0.031, trials=(4, 7))
    alike = DescribedLevel(level=0.1, change=0.01, interval=(-0.04, 0.06), difference=None, trials=(5,))
    told = DescribedFactor(factor="lora_r", own=32, levels=(worse,))
    untold = DescribedFactor(factor="lora_dropout", own=0.0, levels=(alike,))
    yield "described_line", *same([told, untold])
    yield "described_line", *same([untold])
    yield "described_level", *same(worse)
    yield "factors_not_tested", *same()
    yield (
        "strategy",
        (["learning rate"], ("2e-4", "2e-4"), None, ["rank"]),
        (["学习率"], ("2e-4", "2e-4"), None, ["rank"]),
    )
    yield "seeds_used", *same(3, (2, 3))
    yield "confirm_remark", *same()
    yield "goal", *same(RoundKind.CONFIRM, False)


@pytest.fixture(scope="module")
def heard() -> Heard:
    heard = Heard()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(builder, "words_for", heard.words)
        for view in histories():
            for language in LANGUAGES:
                build(view, language)
                boundary_sentence(view, heard.words(language, view.scale))
    for name, *both in made_directly():
        named = {"on_test": True, "unused": True} if name == "against_runner_up" else {}
        for language, args in zip(LANGUAGES, both, strict=True):
            say = getattr(words_for(language), name)
            heard.said.setdefault((name, language), []).append(_shown(say(*args, **named)))
    return heard


def test_every_kind_of_sentence_reads_as_reviewed(heard):
    lines = ["# Every kind of sentence of the record, in English and in Chinese"]
    for name in sorted(sentence_names()):
        for english, chinese in heard.pairs(name):
            lines += [f"\n{name}", english, chinese]
    text = "\n".join(lines) + "\n"
    if os.environ.get("TUNEBOOK_GOLDEN") == "rewrite":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), "`make golden` rewrites it"


def test_no_kind_of_sentence_is_without_a_history(heard):
    missing = {name for name in sentence_names() if not heard.pairs(name)}
    assert not missing, "give it a history in `histories`, or arguments in `made_directly`"


def test_no_chinese_sentence_has_a_blank_before_a_sign_or_latin_punctuation(heard):
    for name in sentence_names():
        for _, chinese in heard.pairs(name):
            assert not re.search(r"\d %|[\u4e00-\u9fff][,;:?!]|[\u4e00-\u9fff] [，。；：、（）]", chinese), (
                name,
                chinese,
            )
            assert not re.search(r"[坍秩]|不是没有|并非不", chinese), (name, chinese)


def test_both_languages_say_the_same_numbers(heard):
    """Read against each other by machine: the numbers of a sentence, without those that are written as words."""
    decimal = re.compile(r"(?<![\w.])[-+]?\d+\.\d+(?:e-\d+)?")
    for name in sentence_names():
        for english, chinese in heard.pairs(name):
            found = [sorted(decimal.findall(text)) for text in (english, chinese)]
            if name != "model_fact":  # hundreds of millions, and not millions
                assert found[0] == found[1], (name, english, chinese)
