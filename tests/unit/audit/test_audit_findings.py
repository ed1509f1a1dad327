"""What must be found in a hand-written record without being told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunebook.audit.judge import audit
from tunebook.audit.judge.verdicts import Reason, SupportVerdict
from tunebook.audit.read import read_record
from tunebook.statistics.noise import SEED_DEVIATION_PRIOR

RECORDS = Path(__file__).parents[2] / "fixtures" / "records"
ROUNDS = ("rounds_en.md", "rounds_zh.md")
NINETEEN = ("nineteen.csv", *ROUNDS)
ONE_FACTOR = {"2", "3", "4", "5", "7", "9", "11", "13", "14", "15"}
SEVERAL = {"6", "10", "12", "16", "18", "19", "20"}


def report_of(name: str, examples: int | None = None):
    return audit(read_record((RECORDS / name).read_bytes(), name), examples)


def claim_on(report, line_text: str):
    return next(j for j in report.claims if line_text in j.claim.text)


@pytest.mark.parametrize("name", NINETEEN)
def test_every_accuracy_is_a_whole_number_of_358ths(name: str) -> None:
    report = report_of(name)
    counts = {v.trial.key: v.correct for v in report.trials}
    assert (report.examples.n, report.examples.how) == (358, "inferred")
    assert (counts["1"], counts["16"], counts["8"], counts["19"]) == (107, 112, 105, 0)


@pytest.mark.parametrize("name", NINETEEN)
def test_best_against_baseline_is_supported_by_no_pairing(name: str) -> None:
    best = report_of(name).best_claim
    assert best.pairs == (("16", "1"),)
    assert best.differences == (5,)
    assert best.p_favourable == pytest.approx(0.0625)
    assert (best.verdict, best.reason) == (SupportVerdict.WITHIN_CHANCE, Reason.TOO_SMALL)


@pytest.mark.parametrize("name", NINETEEN)
def test_no_difference_but_the_failed_trial_holds(name: str) -> None:
    held = {
        v.trial.key for v in report_of(name).trials if v.comparison and v.comparison.verdict is SupportVerdict.HOLDS
    }
    assert held == {"19"}


def test_one_trial_and_the_smallest_difference_are_far_wider_than_the_gain() -> None:
    report = report_of("nineteen.csv")
    low, high = report.trials[0].interval
    assert (high - low) / 2 == pytest.approx(0.047, abs=0.001)
    gain = 5 / 358
    assert report.detectable.single_favourable > gain
    assert report.detectable.favourable > 2 * gain
    assert report.detectable.independent > 9 * gain


@pytest.mark.parametrize("name", NINETEEN)
def test_equal_effective_settings_are_folded_certainly_and_conditionally(name: str) -> None:
    structure = report_of(name).structure
    assert structure.equal == (("1", "8"),)
    assert structure.equal_if_short == ((512, ("1", "8", "15")), (512, ("16", "20")))


def test_seed_noise_comes_from_the_folded_pair_and_the_stated_prior() -> None:
    noise = report_of("nineteen.csv").noise
    assert noise.measured == pytest.approx(2 / 2**0.5 / 358)  # two results 2 examples apart
    assert noise.freedom == 1
    expected = ((4 * SEED_DEVIATION_PRIOR**2 + (2 / 358) ** 2 / 2) / 5) ** 0.5
    assert noise.used == pytest.approx(expected)
    assert report_of("slips_en.md").noise.used == SEED_DEVIATION_PRIOR  # without equal trials


@pytest.mark.parametrize("name", NINETEEN)
def test_one_factor_trials_are_told_from_those_that_change_several(name: str) -> None:
    moves = report_of(name).structure.moves
    assert {k for k, m in moves.items() if len(m) == 1} == ONE_FACTOR
    assert {k for k, m in moves.items() if len(m) > 1} == SEVERAL
    assert moves["10"] == ("learning_rate", "lora_r")


@pytest.mark.parametrize("name", NINETEEN)
def test_rank_and_alpha_cannot_be_separated(name: str) -> None:
    confounded = report_of(name).structure.confounded
    assert any(c.code == "ratio_constant" and c.levels == (4.0,) for c in confounded)
    assert any(
        c.code == "level_not_isolated" and c.factors[0] == "lora_dropout" and c.levels == (0.05,) for c in confounded
    )


@pytest.mark.parametrize("name", NINETEEN)
def test_the_failure_rests_on_one_trial_that_differs_in_more_than_the_rate(name: str) -> None:
    (boundary,) = report_of(name).structure.boundaries
    assert (boundary.factor, boundary.failed, boundary.trained) == ("learning_rate", ("19",), "11")
    assert {"learning_rate", "lora_r"} <= set(boundary.moves)
    assert (boundary.clean, boundary.clean_failed) == ("16", "19")


@pytest.mark.parametrize("name", NINETEEN)
def test_the_missing_number_is_found(name: str) -> None:
    notes = {note.code: note.values for note in report_of(name).inconsistencies}
    assert notes["missing_numbers"]["numbers"] == (17,)


@pytest.mark.parametrize("name", ROUNDS)
def test_a_renumbered_last_round_is_matched_by_settings_and_results(name: str) -> None:
    notes = {note.code: note.values for note in report_of(name).inconsistencies}
    assert notes["renumbered"]["pairs"] == (("17", "18"), ("18", "19"), ("19", "20"))


@pytest.mark.parametrize("name", ROUNDS)
def test_a_trial_described_by_its_rank_alone_is_found(name: str) -> None:
    notes = [n.values for n in report_of(name).inconsistencies if n.code == "described_short"]
    (only,) = notes
    assert only["trial"].endswith("10")
    assert only["undeclared"] == ("learning_rate",)
    assert [fit[-1] for fit in only["fits"]] == ["2"]


@pytest.mark.parametrize(("name", "text"), [("rounds_en.md", "r=32 is better"), ("rounds_zh.md", "r=32 优于")])
def test_pairs_that_disagree_in_sign_support_no_claim_and_are_no_opposite(name: str, text: str) -> None:
    judged = claim_on(report_of(name), text)
    assert (judged.verdict, judged.reason) == (SupportVerdict.CANNOT_HOLD, Reason.MIXED_SIGNS)
    assert judged.deciding.pairs == (("10", "2"), ("12", "5"))
    assert judged.deciding.differences == (7, -8)


@pytest.mark.parametrize(("name", "text"), [("rounds_en.md", "above 0.001"), ("rounds_zh.md", "超过 0.001")])
def test_the_claim_on_the_edge_is_confounded(name: str, text: str) -> None:
    judged = claim_on(report_of(name), text)
    assert (judged.verdict, judged.reason) == (SupportVerdict.NOT_SHOWN, Reason.CONFOUNDED)


@pytest.mark.parametrize(("name", "text"), [("rounds_en.md", "Dropout 0.05"), ("rounds_zh.md", "dropout=0.05")])
def test_a_level_that_was_only_tried_with_others_is_confounded(name: str, text: str) -> None:
    judged = claim_on(report_of(name), text)
    assert (judged.verdict, judged.reason) == (SupportVerdict.NOT_SHOWN, Reason.CONFOUNDED)
    assert "learning_rate" in judged.confounded[0].also


def test_a_batch_split_differently_is_the_same_training() -> None:
    judged = claim_on(report_of("rounds_en.md"), "a batch of 1")
    assert (judged.verdict, judged.reason) == (SupportVerdict.CANNOT_HOLD, Reason.SAME_TRAINING)


def test_a_true_claim_on_a_memory_setting_holds() -> None:
    judged = claim_on(report_of("rounds_en.md"), "Gradient checkpointing")
    assert (judged.verdict, judged.reason) == (SupportVerdict.HOLDS, Reason.SAME_TRAINING)


def test_no_difference_found_is_never_no_difference() -> None:
    judged = claim_on(report_of("rounds_en.md"), "Batch size does not matter")
    assert (judged.verdict, judged.reason) == (SupportVerdict.NOT_SHOWN, Reason.ABSENCE)


def test_numbers_given_twice_as_large_change_the_verdict() -> None:
    """With 716 examples the same accuracies are 10 apart: then it depends on the pairing."""
    best = report_of("nineteen.csv", examples=3580).best_claim
    assert best.differences == (50,)
    assert best.verdict is SupportVerdict.DEPENDS


def test_slips_between_text_and_table_are_found() -> None:
    report = report_of("slips_en.md")
    notes = {note.code: note.values for note in report.inconsistencies}
    assert notes["settings_differ"]["settings"] == {"learning_rate": (5e-4, 1e-3)}
    assert notes["result_differs"]["trial"] == "3"
    assert (report.examples.n, report.examples.stated_misfit) == (400, 500)
    assert claim_on(report, "best trial").reason is Reason.NOT_BEST
    assert claim_on(report, "Weight decay").reason is Reason.UNREAD


def test_rounds_that_each_begin_at_one_are_different_trials() -> None:
    report = report_of("restart_zh.md")
    assert [v.trial.label for v in report.trials] == ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3"]
    assert claim_on(report, "1e-2").reason is Reason.FEW_RUNS
    assert [note.code for note in report.table.notes] == ["numbers_restart"]


def test_changes_in_words_that_build_on_one_another_are_followed() -> None:
    report = report_of("words_en.md")
    by_key = {v.trial.key: v.trial for v in report.trials}
    assert by_key["7"].levels["num_train_epochs"] == 4
    assert by_key["7"].levels["lora_dropout"] == 0.1
    assert by_key["7"].levels["learning_rate"] == 5e-4
    assert by_key["4"].unread
    assert "4" not in report.structure.moves
    assert claim_on(report, "0.01 and above").reason is Reason.FEW_RUNS
    assert claim_on(report, "Run 3 is better").reason is Reason.CONTRADICTED


def test_one_seed_each_keeps_a_large_difference_from_being_one_of_settings() -> None:
    report = report_of("semicolons_zh.csv")
    c = next(v.comparison for v in report.trials if v.trial.label == "C")
    assert c.p_independent_adjusted < 0.05 < c.p_seed_adjusted
    assert (c.verdict, c.reason) == (SupportVerdict.NOT_SHOWN, Reason.SEED_NOISE)


def test_without_a_number_of_examples_only_directions_are_checked() -> None:
    record = b"trial,lr,r,accuracy\n1,1e-4,8,0.31\n2,2e-4,8,0.33\n3,1e-4,16,0.29\n"
    report = audit(read_record(record, "x.csv"))
    assert report.examples.n is None
    assert all(v.comparison.reason is Reason.EXAMPLES_UNKNOWN for v in report.trials if v.comparison)
    assert report.needed_examples_if_unknown == 300  # 6 examples at 2 points


def test_next_trials_complete_the_corners_that_are_missing() -> None:
    report = report_of("nineteen.csv")
    wanted = {(t.why, t.factor): t for t in report.next_trials}
    alone = wanted["boundary_factor", "learning_rate"].configuration
    assert (alone["learning_rate"], alone["lora_r"], alone["lora_dropout"]) == (0.0015, 8, 0.1)
    rest = wanted["boundary_rest", "learning_rate"].configuration
    assert (rest["learning_rate"], rest["lora_r"], rest["num_train_epochs"]) == (0.001, 32, 4)
    apart = wanted["alpha", "lora_alpha"].configuration
    assert (apart["lora_r"], apart["lora_alpha"]) == (32, 32)
    assert wanted["baseline", None].again == "exp1"
    keys = [tuple(t.configuration.items()) for t in report.next_trials]
    assert len(keys) == len(set(keys))


def record_with_failures(n: int) -> bytes:
    """Rates that trained up to 1e-3, and n trials at 2e-3 that failed, each with another dropout."""
    good = [f"{i},{rate},{i / 100},{100 + i}/200" for i, rate in enumerate(("1e-4", "5e-4", "1e-3"))]
    bad = [f"{10 + i},2e-3,{i / 100},failed" for i in range(n)]
    return "\n".join(["trial,lr,dropout,accuracy", *good, *bad]).encode()


@pytest.mark.parametrize(("n", "reason"), [(1, Reason.FEW_RUNS), (3, Reason.FEW_RUNS), (5, Reason.FAILED)])
def test_an_edge_holds_only_with_a_clean_pair_and_enough_failures(n: int, reason: Reason) -> None:
    text = (
        record_with_failures(n)
        .replace(b",", b" | ")
        .replace(b"trial | lr | dropout | accuracy\n", b"trial | lr | dropout | accuracy\n--|--|--|--\n")
    )
    report = audit(read_record(text + b"\n\n- lr of 2e-3 diverges\n", "x.md"))
    assert claim_on(report, "2e-3").reason is reason


def test_a_claim_that_trained_trials_refute_is_contradicted() -> None:
    table = b"trial | lr | accuracy\n--|--|--\n1 | 1e-4 | 50/100\n2 | 1e-3 | 55/100\n\n"
    text = table + b"- A learning rate above 5e-4 fails.\n"
    judged = claim_on(audit(read_record(text, "x.md")), "5e-4")
    assert (judged.verdict, judged.reason) == (SupportVerdict.CANNOT_HOLD, Reason.CONTRADICTED)


def test_where_the_edge_lies_is_open_when_nothing_was_tried_between() -> None:
    rows = "".join(f"{i} | 1e-2 | 0.{i} | failed\n" for i in range(6))
    text = f"trial | lr | dropout | accuracy\n--|--|--|--\n9 | 1e-3 | 0.1 | 55/100\n{rows}\n- lr above 5e-3 fails\n"
    judged = claim_on(audit(read_record(text.encode(), "x.md")), "5e-3")
    assert judged.reason is Reason.FEW_RUNS


def test_padded_labels_and_changes_on_top_of_earlier_trials_are_one_record() -> None:
    report = report_of("padded_zh.md")
    assert [v.trial.label for v in report.trials] == [f"exp-0{i}" for i in range(1, 7)]
    moves = report.structure.moves
    assert (moves["5"], moves["6"]) == (
        ("learning_rate", "lora_r"),
        ("learning_rate", "num_train_epochs", "lora_r"),
    )
    assert claim_on(report, "exp-06 优于").trials == ("6", "2")
    judged = claim_on(report, "提升 0.8")
    assert judged.deciding.pairs == (("5", "2"),)
    assert (judged.verdict, judged.deciding.differences) == (SupportVerdict.WITHIN_CHANCE, (4,))


def test_coarsely_printed_accuracies_widen_both_bounds() -> None:
    """81.2 % of 5,000 is 4,060 give or take 2: the bounds take the farthest and the nearest counts."""
    exact = audit(read_record(b"trial,lr,accuracy\n1,1e-4,4060/5000\n2,2e-4,4066/5000\n", "x.csv")).best_claim
    record = b"trial,lr,accuracy\n1,1e-4,81.2%\n2,2e-4,81.3%\n"
    report = audit(read_record(record, "x.csv"), 5000)
    assert report.slack == 2
    assert report.best_claim.differences == (5,)
    assert report.best_claim.p_favourable == pytest.approx(2.0 ** (1 - 9))
    assert report.best_claim.p_independent >= exact.p_independent


def test_an_order_that_rounding_could_turn_round_is_not_contradicted() -> None:
    table = b"trial | lr | accuracy\n--|--|--\n1 | 1e-4 | 81%\n2 | 2e-4 | 81%\n\n"
    text = table + b"- lr=2e-4 is better than lr=1e-4.\n"
    judged = claim_on(audit(read_record(text, "x.md"), 5000), "2e-4")
    assert judged.reason is not Reason.CONTRADICTED
    assert judged.verdict is SupportVerdict.DEPENDS


def test_a_baseline_described_in_a_sentence_gives_its_settings() -> None:
    report = report_of("advice_en.md")
    assert report.table.trials[0].levels["lora_dropout"] == 0.05
    assert report.structure.moves["6"] == ("lora_dropout",)
    assert report.structure.equal == ()


def test_a_level_that_the_baseline_does_not_give_is_never_taken_for_the_baselines_own() -> None:
    """Dropout 0 is a library's default, and nobody said that it is this baseline's."""
    text = b"trial | change | accuracy\n--|--|--\n1 | baseline | 0.640\n2 | dropout=0 | 0.648\n3 | lr=2e-4 | 0.66\n"
    report = audit(read_record(text, "x.md"), 250)
    assert (report.structure.equal, report.structure.moves["2"]) == ((), ("lora_dropout",))
    note = next(n for n in report.table.notes if n.code == "baseline_unsaid")
    assert set(note.values["factors"]) == {"lora_dropout", "learning_rate"}


def test_a_trial_on_top_of_the_best_has_the_bests_settings() -> None:
    report = report_of("advice_zh.md")
    assert set(report.structure.moves["8"]) == {"learning_rate", "lora_r", "num_train_epochs", "lora_dropout"}
    assert claim_on(report, "未见提升").deciding.pairs == (("8", "7"),)


@pytest.mark.parametrize(("name", "trial"), [("advice_en.md", "exp7"), ("advice_zh.md", "exp6"), ("diary_en.md", "6")])
def test_a_printed_difference_that_the_accuracies_do_not_give(name: str, trial: str) -> None:
    """All other rows of these columns are right, as points or as per cent of the baseline's accuracy."""
    (note,) = [n for n in report_of(name).inconsistencies if n.code.startswith("difference")]
    assert (note.code, note.values["trial"]) == ("difference_wrong", trial)


def test_a_column_that_compares_with_another_trial_is_said_to_be_unread() -> None:
    rows = "".join(f"{i} | {i}e-4 | 0.{60 + i} | +1.0 pp\n" for i in range(2, 6))
    text = f"trial | lr | accuracy | gain vs baseline\n--|--|--|--\n1 | 1e-4 | 0.60 | \n{rows}"
    notes = audit(read_record(text.encode(), "x.md"), 100).inconsistencies
    assert [n.code for n in notes] == ["differences_unread"]


def test_a_result_that_points_to_another_trial_is_no_accuracy() -> None:
    text = b"trial | change | accuracy\n--|--|--\n1 | baseline, batch 8 | 62%\n"
    text += b"2 | batch 1 x accumulation 8 | = trials 1-5\n3 | lr=1e-4 | 64%\n"
    report = audit(read_record(text, "x.md"), 100)
    assert [trial.label for trial in report.table.trials] == ["1", "3"]


def test_the_number_of_examples_is_read_from_a_sentence() -> None:
    assert report_of("diary_en.md").examples.n == 1000


def test_a_pair_that_is_asked_for_from_both_sides_counts_once() -> None:
    rows = "1 | 1e-4 | 60/200\n2 | 2e-4 | 70/200\n3 | 4e-4 | 90/200\n"
    claims = "- Trial 3 is better than trial 2.\n- Trial 2 is worse than trial 3.\n"
    text = f"trial | lr | accuracy\n--|--|--\n{rows}\n{claims}"
    better, worse = audit(read_record(text.encode(), "x.md")).claims
    assert better.deciding.pairs == (("3", "2"),)
    assert worse.deciding.pairs == (("2", "3"),)
    assert (better.deciding.n_judged, worse.deciding.n_judged) == (1, 1)


def test_a_batch_split_differently_is_proposed_once() -> None:
    rows = "1 | 1e-4 | 8 | 1 | 60/200\n2 | 2e-4 | 4 | 2 | 78/200\n3 | 2e-4 | 8 | 1 | 76/200\n"
    text = f"trial | lr | batch size | grad accum | accuracy\n--|--|--|--|--\n{rows}"
    report = audit(read_record(text.encode(), "x.md"))
    assert [v.comparison.verdict for v in report.trials[1:]] == [SupportVerdict.DEPENDS] * 2
    assert [t.why for t in report.next_trials] == ["baseline", "best"]
