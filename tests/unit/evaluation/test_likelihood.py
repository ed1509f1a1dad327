"""Perplexity: nats a token over all texts, its values by example, and a whole study that it decides."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from init_text import init_text

from tunebook import Study
from tunebook.core.divergence import how_it_ended
from tunebook.core.facts import Outcomes, TrialFact
from tunebook.core.study import Purpose, RoundKind, Trial, TrialState
from tunebook.errors import StudyFileError
from tunebook.evaluation import likelihood_scores, load_metric
from tunebook.run.paths import locate
from tunebook.run.prepare import prepare
from tunebook.study_file import load_study, parse_study
from tunebook.words import words_for

NLL, TOKENS = np.array([3.0, 10.0, 2.0, 30.0]), [2, 5, 1, 12]


def test_the_mean_of_the_values_is_nats_a_token_and_their_spread_that_of_the_ratio() -> None:
    metric = load_metric("perplexity")
    values = -likelihood_scores(metric, NLL, TOKENS)  # less is better
    assert values.mean() == pytest.approx(NLL.sum() / sum(TOKENS))
    linear = (NLL - NLL.sum() / sum(TOKENS) * np.array(TOKENS)) / np.mean(TOKENS)  # the delta method of a ratio
    many = -likelihood_scores(metric, np.tile(NLL, 50), TOKENS * 50)
    assert (many - many.mean())[:4] == pytest.approx(linear, rel=0.05)


def test_perplexity_is_shown_with_nats() -> None:
    words = words_for("en", load_metric("perplexity").scale)
    assert words.measured(-1.5) == "1.500 nats/token (perplexity 4.48)"
    assert words_for("zh", words.scale).measured(-1.5) == "1.500 nats/token（困惑度 4.48）"
    assert words.measured(-math.log(2)).endswith("(perplexity 2.00)")
    assert words.change(0.1) == "-0.100"


def study_folder(folder: Path) -> Path:
    texts = ["the rain came over the hill and ", "nobody had asked the old clock what ", "a letter without a name "]
    rows = [{"opening": f"Line {i}", "continuation": (texts[i % 3] + f"{i} ") * (12 + i % 5)} for i in range(120)]
    (folder / "stories.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


@pytest.mark.usefixtures("few_pictures")
def test_open_texts_go_from_init_to_a_record(tmp_path: Path) -> None:
    text = init_text(str(study_folder(tmp_path) / "stories.jsonl"), tmp_path, trials=9)
    assert "metric: perplexity" in text
    assert "points" not in text
    file = tmp_path / "study.yaml"
    file.write_text(text + "engine: simulated\nexecutor: inline\ntrackers: []\n", encoding="utf-8")
    Study.load(file).run()
    record = (tmp_path / "runs" / "stories" / "record.md").read_text(encoding="utf-8")
    assert "the lowest log-perplexity" in record
    assert "nats/token (perplexity " in record
    assert "commonest answer" not in record.partition("## Round 1")[0]
    results = json.loads((tmp_path / "runs" / "stories" / "results.json").read_text(encoding="utf-8"))
    assert results["reference"]["commonest_answer_accuracy"] is None


STUDY = """
study: several
model: none
engine: simulated
data: {train: stories.jsonl, prompt: "{opening}", completion: "{continuation}"}
metrics: [METRICS]
baseline: {learning_rate: 2e-4}
space: {learning_rate: {low: 5e-5, high: 2e-3}}
design: one_factor
budget: {trials: 9}
"""


@pytest.mark.parametrize(
    ("metrics", "kind"),
    [("perplexity", "likelihood"), ("perplexity, length", "generate"), ("token_f1, perplexity", "generate")],
)
def test_answers_are_generated_where_one_of_the_metrics_judges_them(tmp_path: Path, metrics: str, kind: str) -> None:
    file = study_folder(tmp_path) / "study.yaml"
    file.write_text(STUDY.replace("METRICS", metrics), encoding="utf-8")
    prepared = prepare(load_study(file), locate(file))
    assert prepared.data.workload.scoring.kind == kind
    assert len(prepared.facts.answer_tokens["validation"]) == len(prepared.data.examples["validation"])


def test_with_a_program_of_ones_own_only_the_deciding_metric_can_judge_likelihoods(tmp_path: Path) -> None:
    file = study_folder(tmp_path) / "study.yaml"
    text = STUDY.replace("METRICS", "rouge_l, perplexity").replace("simulated", "command\ncommand: [python]")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyFileError, match="Put it first"):
        prepare(load_study(file), locate(file))


def test_a_score_far_below_zero_is_not_taken_for_nothing_learned() -> None:
    spec = parse_study(STUDY.replace("METRICS", "perplexity"))
    n = 400
    fact = TrialFact(
        trial=Trial(
            id=1,
            round=1,
            kind=RoundKind.EXPLORE,
            purpose=Purpose.BASELINE,
            configuration=spec.baseline,
            effective=spec.baseline,
            seed=1,
        ),
        state=TrialState.COMPLETED,
        outcomes={"validation": Outcomes(np.full(n, -12.0), np.full(n, 12.0))},
    )
    assert how_it_ended(fact, usual=-5.0) is None
