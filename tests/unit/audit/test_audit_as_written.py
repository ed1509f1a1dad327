"""Records as people write them, whole: what is read, and that no sentence of the audit is false."""

from __future__ import annotations

import io
import math
import re

import pytest

from tunebook.audit.api import AuditedRecord, audit_stream
from tunebook.audit.read import read_record
from tunebook.core.factor import FACTOR_KINDS
from tunebook.errors import RecordTableError


def audited(text: str, examples: int | None = None, name: str = "notes.md") -> AuditedRecord:
    return audit_stream(io.BytesIO(text.encode()), name, examples)


def values_of(text: str, examples: int | None = None) -> dict:
    return audited(text, examples).values()


def claim(values: dict, words: str) -> dict:
    return next(c for c in values["claims"] if words in c["text"])


def codes(values: dict) -> list[str]:
    return [note["code"] for note in values["inconsistencies"]]


SEEDS = """accuracy,seed,lora_r,lr,alpha,run,batch
0.712,1,8,0.0002,16,a1,2
0.706,2,8,0.0002,16,a2,2
0.740,1,8,0.0005,16,b1,2
0.748,2,8,0.0005,16,b2,2
0.714,1,8,0.0002,16,c1,2
"""


def test_labels_that_share_a_number_are_trials_of_their_own():
    values = values_of(SEEDS, 500)
    assert [t["trial"] for t in values["trials"]] == ["a1", "a2", "b1", "b2", "c1"]
    assert values["inconsistencies"] == []
    assert values["best"] == "b2"


def test_the_same_label_with_another_seed_is_another_trial():
    rows = "A,1,8,1e-4,40/100\nA,2,8,1e-4,42/100\nB,1,16,1e-4,50/100\nB,2,16,1e-4,48/100\n"
    values = values_of("run,seed,r,lr,acc\n" + rows)
    assert [t["trial"] for t in values["trials"]] == ["A", "A (seed 2)", "B", "B (seed 2)"]
    assert values["noise"]["freedom"] == 2
    assert values["inconsistencies"] == []


def test_pairs_are_counted_by_trial_because_the_most_different_replicates_are_picked():
    values = values_of(SEEDS, 500)
    assert values["family_sizes"][1] == math.comb(5, 2) - math.comb(3, 2) - math.comb(2, 2)


def test_trials_without_a_result_measure_no_noise():
    text = "run,lr,r,acc\nbase,1e-4,8,40/100\nx,1e-4,16,\ny,1e-4,16,-\nd,1e-2,8,NaN\ne,1e-2,8,NaN\n"
    assert "free measure of the noise" not in audited(text).markdown("en")
    assert "正好用来衡量噪声" not in audited(text).markdown("zh")


def test_out_of_memory_is_no_failure_of_the_training():
    text = "run,lr,batch,acc\nbase,1e-4,8,40/100\nx,2e-4,8,42/100\nbig,1e-4,64,OOM\n"
    values = values_of(text)
    assert values["boundaries"] == []
    assert [t["trial"] for t in values["trials"]] == ["base", "x"]
    assert '"OOM" (out of memory says nothing of the training)' in audited(text).markdown("en")


def test_levels_count_failed_trials_too():
    text = "run,lr,r,acc\nbase,1e-4,8,40/100\nx,2e-4,8,42/100\nhot,1e-2,8,NaN\n"
    assert values_of(text)["effects"][0]["levels"] == 3


ROUNDS = """## Round 1
| # | What I changed | Acc (%) | notes |
|---|---|---|---|
| 1 | baseline: lr 1e-4, r 8 | 50.0 | |
| 2 | lr 2e-4 | 54.0 | new best |
| 3 | lr 4e-4 | 52.0 | {this_round} |

## Round 2
| # | What I changed | Acc (%) | notes |
|---|---|---|---|
| 4 | lr 2e-4, r=16 | 60.0 | best so far |

In round 1 the best was #3.
Of 200 test examples.
"""


def test_the_best_so_far_is_held_against_the_trials_before_it():
    values = values_of(ROUNDS.format(this_round=""), 200)
    first, later = claim(values, "new best"), claim(values, "best so far")
    assert first["comparisons"][0]["pairs"] == [["2", "1"]]
    assert first["reason"] != "not_best"
    assert ["4", "2"] in [c["pairs"][0] for c in later["comparisons"]]


def test_the_best_of_a_round_is_held_against_that_round():
    text = audited(ROUNDS.format(this_round="best of this round"), 200).markdown("en")
    assert "#2 did better than #3." in text
    assert "#4 and #2 did better" not in text
    chinese = (
        "## 第一轮\n| 实验 | 改动 | 准确率 | 备注 |\n|---|---|---|---|\n| 1 | 基线：学习率 1e-4，秩 8 | 40/100 | |\n"
        "| 2 | 学习率 2e-4 | 60/100 | 本轮最佳 |\n\n## 第二轮\n| 实验 | 改动 | 准确率 | 备注 |\n|---|---|---|---|\n"
        "| 3 | 学习率 4e-4 | 70/100 | |\n\n第一轮的最佳是实验2\n"
    )
    assert [c["reason"] == "not_best" for c in values_of(chinese)["claims"]] == [False, False]


MESSY = """|Run|LR|Eff. batch|LoRA (r/α)|Acc|Δ vs base|Comment|
|:-|:-:|:-:|:-:|:-:|:-:|:-|
|A|2e-4|16|8/16|**50.8%**|–|default|
|C|4e-4|16|8/16|53.3%|+2.5||
|D|4e-4|16|16/32|55.0%|+4.2|bigger rank helps|
|G|4e-4|32|16/32|51.7%|+3.9||
|H|2e-3|16|8/16|3.3%|-47.5|blew up|

TL;DR: run D is the best. Learning rates above 1e-3 diverge.
"""


def test_joined_and_effective_columns_are_settings():
    values = values_of(MESSY, 120)
    assert values["trials"][2]["values"]["lora_r"] == 16
    assert values["trials"][2]["values"]["lora_alpha"] == 32
    assert values["noise"]["groups"] == []  # C and D differ in rank
    assert claim(values, "bigger rank")["reason"] == "unread"  # D differs from the baseline in the rate too
    assert values["effects"][-1]["factor"] == "effective_batch_size"
    assert codes(values) == ["difference_wrong"]  # G: +0.9


def test_a_collapse_that_still_guesses_a_few_did_not_train():
    values = values_of(MESSY, 120)
    assert values["trials"][-1]["failed"]
    assert claim(values, "diverge")["reason"] == "few_runs"
    good = MESSY.replace("3.3%|-47.5|blew up", "60.0%|+9.2|did not diverge")
    assert not values_of(good, 120)["trials"][-1]["failed"]


def test_a_text_may_begin_with_tldr():
    assert claim(values_of(MESSY, 120), "run D")["text"] == "TL;DR: run D is the best"


NAMED = """| config | lr | rank | accuracy |
|---|---|---|---|
| base | 2e-4 | 8 | 71.2 ± 0.6 |
| A | 5e-4 | 8 | 74.4 ± 0.4 |
| lr4-r16 | 4e-4 | 16 | 75.0 ± 0.9 |

Config A is the best. lr4-r16 is better than base.
"""


def test_short_names_in_a_column_headed_config_are_labels():
    values = values_of(NAMED, 1000)
    assert [t["trial"] for t in values["trials"]] == ["base", "A", "lr4-r16"]
    assert values["baseline"] == {"trial": "base", "named": True}
    assert claim(values, "Config A")["reason"] == "not_best"
    assert claim(values, "lr4-r16")["comparisons"][0]["pairs"] == [["lr4-r16", "base"]]


@pytest.mark.parametrize(("language", "said"), [("en", "carry a ±"), ("zh", "带有 ±")])
def test_a_plus_minus_is_said_not_to_be_used(language, said):
    assert said in audited(NAMED, 1000).markdown(language)
    assert said not in audited(re.sub(r" ± [\d.]+", "", NAMED), 1000).markdown(language)


def test_the_best_is_held_against_the_baseline_by_its_name():
    text = audited(NAMED.replace("| base |", "| baseline |"), 1000).markdown("en")
    assert "ahead of the baseline (baseline, 71.2 %)" in text
    assert "比基线（base，71.2%）" in audited(NAMED, 1000).markdown("zh")


def test_a_label_with_a_letter_is_found_in_the_text_but_a_setting_is_no_label():
    text = "| run | lr | r | acc |\n|---|---|---|---|\n| t0 | 1e-4 | 8 | 40/100 |\n| r=16 | 1e-4 | 16 | 50/100 |\n"
    values = values_of(text + "\nt0 is the best. r=16 is better than r=8.\n")
    assert claim(values, "t0")["kind"] == "best_trial"
    assert claim(values, "r=16")["kind"] == "levels"


SAID = """| 实验 | 学习率 | 秩 | 准确率 |
|---|---|---|---|
| 实验1 | 1e-4 | 8 | 59.8% |
| 实验2 | 2e-4 | 8 | 67.0% |

- 实验2 准确率为 {accuracy}%，比实验1 高 {gap} 个百分点。
"""


@pytest.mark.parametrize(
    ("accuracy", "gap", "expected"),
    [("67.0", "7.2", []), ("68.0", "7.2", ["said_differs"]), ("67.0", "8.3", ["said_gap_differs"]), ("67", "7", [])],
)
def test_numbers_in_the_text_are_held_against_the_table(accuracy, gap, expected):
    assert codes(values_of(SAID.format(accuracy=accuracy, gap=gap), 358)) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "exp2 is 5% better",
        "exp2 has 10% warmup",
        "exp2 (lr=2e-4)",
        "exp2 with 0.05 dropout",
        "exp2: 3 epochs",
        "exp2 at 3%",
    ],
)
def test_other_numbers_behind_a_trial_are_no_accuracies(sentence):
    text = "| exp | lr | r | acc |\n|---|---|---|---|\n| exp1 | 1e-4 | 8 | 40/100 |\n| exp2 | 2e-4 | 8 | 50/100 |\n\n"
    found = codes(values_of(text + sentence + ".\n"))
    assert found == (["said_differs"] if sentence == "exp2 at 3%" else [])


def test_a_trial_given_again_says_what_differs():
    rows = "| base | 1e-4 | 8 | 0.600 |\n| x | 2e-4 | 8 | 0.640 |\n"
    head = "| run | lr | r | acc |\n|---|---|---|---|\n"
    again = f"{head}{rows}\n{head}| base | 1e-4 | 8 | 0.616 |\n| y | 1e-4 | 16 | 0.620 |\n"
    text = audited(again, 250).markdown("en")
    assert "is given again on line 8 (result 61.6 %, before 60.0 %); the first was used." in text
    assert "again on line 8 with other settings" in audited(again.replace("8 | 0.616", "4 | 0.600"), 250).markdown("en")


def test_a_failed_trial_of_one_change_is_trained_again_not_isolated():
    text = "run,lr,r,acc\nbase,1e-4,8,40/100\nx,2e-4,8,42/100\nhot,1e-2,8,NaN\n"
    why = [t["why"] for t in values_of(text)["next_trials"]]
    assert "boundary_again" in why
    assert "boundary_factor" not in why
    assert "another seed: does it break again? | again: hot" in audited(text).markdown("en")


def test_the_file_of_next_trials_holds_only_what_a_study_takes():
    rows = "base,1e-4,8,1,40/100\nhalf,1e-4,8,0.5,60/100\nhot,1e-2,8,1,NaN\n"
    record = audited("run,lr,r,epochs,acc\n" + rows)
    lines = record.values()["next_trials_csv"].splitlines()
    column = lines[0].split(",").index("num_train_epochs")
    kind = FACTOR_KINDS["num_train_epochs"]
    assert len(lines) > 1
    assert all(kind.problem(float(line.split(",")[column])) is None for line in lines[1:])
    assert "such as half an epoch" in record.markdown("en")
    assert "半个 epoch" in record.markdown("zh")


def test_measures_with_words_for_missing_values_are_no_settings_that_varied():
    head = "| run | lr | r | acc | eval loss |\n|---|---|---|---|---|\n"
    rows = "| base | 1e-4 | 8 | 40/100 | 1.2 |\n| x | 2e-4 | 8 | 42/100 | NaN |\n| y | 4e-4 | 8 | 44/100 | - |\n"
    assert "its words differ" not in audited(head + rows).markdown("en")


def test_footnote_marks_are_not_quoted():
    head = "| run | lr | r | acc | notes |\n|---|---|---|---|---|\n"
    text = head + "| base | 1e-4 | 8 | 40/100 | |\n| x | 2e-4 | 8 | 42/100 | better[^1] |\n\n[^1]: one seed.\n"
    assert claim(values_of(text), "better")["text"] == "better"


def test_more_important_than_names_no_leader():
    text = "run,lr,r,acc\nbase,1e-4,8,40/100\nx,2e-4,8,42/100\ny,1e-4,16,44/100\n"
    table = "| run | lr | r | acc |\n|---|---|---|---|\n" + "".join(
        f"| {' | '.join(line.split(','))} |\n" for line in text.splitlines()[1:]
    )
    values = values_of(f"{table}\nLearning rate is the most important factor, more important than rank.\n")
    assert claim(values, "more important than rank")["reason"] == "unread"


def test_without_a_number_of_examples_differences_are_in_points():
    text = "run,lr,r,acc\nbase,1e-4,8,0.4\nx,2e-4,8,0.5\n"
    assert "差（百分点）" in audited(text).markdown("zh")
    assert "差（条）" in audited(text, 100).markdown("zh")


def test_chinese_and_latin_words_stand_apart():
    rows = "实验1,1e-4,8,0.1,1,40/100\n实验2,2e-4,16,0.05,2,42/100\n"
    text = audited("实验,学习率,秩,dropout,轮数,准确率\n" + rows).markdown("zh")
    assert "仅以 dropout 0.05 与" in text
    assert "学习率 1e-4、rank 8、dropout 0.1" in text


@pytest.mark.parametrize("base", ["在2的基础上", "在 2 号基础上", "基于2，", "on top of 2: ", "based on 2, "])
def test_a_change_may_build_on_a_bare_number(base):
    text = (
        "| 序号 | 修改内容 | 准确率 |\n|---|---|---|\n| 1 | 基线：学习率 1e-4，秩 8 | 40/100 |\n"
        f"| 2 | 学习率 5e-4 | 50/100 |\n| 3 | {base}秩 32 | 60/100 |\n"
    )
    assert values_of(text)["trials"][2]["moves"] == ["learning_rate", "lora_r"]


RANKS = "| run | lr | r | acc |\n|---|---|---|---|\n" + "".join(
    f"| {i} | {lr} | {r} | {n}/250 |\n"
    for i, lr, r, n in [(1, "1e-4", 4, 161), (2, "4e-4", 4, 181), (3, "4e-4", 8, 183), (4, "4e-4", 16, 180),
                        (5, "4e-4", 64, 160)]
)  # fmt: skip


@pytest.mark.parametrize("sentence", ["A rank between 4 and 16 is optimal.", "秩在 4 和 16 之间最佳。"])
def test_between_two_levels_is_a_range(sentence):
    found = values_of(f"{RANKS}\n{sentence}\n")["claims"][0]
    assert {pair for c in found["comparisons"] for pair in map(tuple, c["pairs"])} == {
        ("2", "5"),
        ("3", "5"),
        ("4", "5"),
    }


def test_a_level_may_stand_before_its_factor():
    found = claim(values_of(f"{RANKS}\nSo 4e-4 is the sweet spot for the learning rate.\n"), "sweet spot")
    assert (found["kind"], found["levels"]) == ("best_level", [0.0004])


def test_a_bold_line_is_a_heading():
    table = "| 实验 | 改动 | 准确率 | 备注 |\n|---|---|---|---|\n| {} | {} | {}/100 | {} |\n"
    text = (
        f"**第一轮**\n\n{table.format(1, '基线：学习率 1e-4，秩 8', 40, '')}| 2 | 学习率 2e-4 | 60/100 | 本轮最佳 |\n\n"
        f"**第二轮**\n\n{table.format(3, '学习率 4e-4', 70, '')}"
    )
    assert claim(values_of(text), "本轮最佳")["reason"] != "not_best"


def test_a_table_in_html_is_read_with_its_spans():
    head = "<table><tr><th>lr</th><th>rank</th><th>accuracy</th></tr>"
    rows = '<tr><td rowspan="2">1e-4</td><td>8</td><td>70/100</td></tr><tr><td>32</td><td>72/100</td></tr></table>'
    trials = values_of(f"{head}\n{rows}\n")["trials"]
    assert [t["values"] for t in trials] == [
        {"learning_rate": 1e-4, "lora_r": 8},
        {"learning_rate": 1e-4, "lora_r": 32},
    ]


UNHEADED = """| | Setting | Score |
|---|---|---|
| base | lr 2e-4, rank 8 | 180 / 300 |
| +lr | base + lr 8e-4 | 201 / 300 |
| top | lr 8e-4, rank 32 | 210 / 300 |

Our best setup beats the baseline by {gap} points. Rank hardly matters.
"""


def test_a_first_column_without_a_header_holds_the_labels():
    values = values_of(UNHEADED.format(gap=10))
    assert [t["trial"] for t in values["trials"]] == ["base", "+lr", "top"]
    assert [note["code"] for note in values["notes"]] == ["changes_from_baseline"]


@pytest.mark.parametrize(("gap", "expected"), [("10", []), ("11", ["said_gap_differs"])])
def test_the_best_against_the_baseline_is_a_claim_of_its_own(gap, expected):
    values = values_of(UNHEADED.format(gap=gap))
    best = claim(values, "best setup")  # with another number than the table's it is listed
    assert [c["pairs"] for c in best["comparisons"]] == ([] if expected else [[["top", "base"]]])
    assert claim(values, "hardly matters")["kind"] == "no_effect"
    assert codes(values) == expected


def test_pairs_of_labels_with_hyphens_can_be_read():
    rows = "run-1,1e-4,8,40/100\nrun-2,2e-4,8,50/100\nrun-3,1e-4,16,41/100\nrun-4,2e-4,16,52/100\n"
    table = "".join(f"| {' | '.join(row.split(','))} |\n" for row in ["run,lr,r,acc", "---,---,---,---", *rows.split()])
    text = audited(f"{table}\nHigher learning rates are better.\n")
    assert "(run-2 - run-1: +10, run-4 - run-3: +11)" in text.markdown("en")
    assert "（run-2 - run-1: +10、run-4 - run-3: +11）" in text.markdown("zh")


def table_of(header: str, *rows: str) -> str:
    lines = [header, "|".join("---" for _ in header.split("|")), *rows]
    return "".join(f"| {' | '.join(line.split('|'))} |\n" for line in lines) + "\n"


def test_a_baseline_given_again_in_each_table_is_one_trial_however_finely_it_is_printed():
    ranks = table_of("rank|acc", "8 (default)|70.0%", "16|70.25%")
    values = values_of(table_of("batch|acc", "8 (default)|70.0%", "16|71.5%") + "Then the rank.\n\n" + ranks, 400)
    assert [t["trial"] for t in values["trials"]] == ["1.1", "1.2", "2.2"]
    assert values["noise"]["groups"] == []


def test_the_same_trials_on_other_data_are_other_trials():
    one = table_of("run|lr|test acc", "base|1e-4|90.0%", "hot|3e-4|91.0%", "hotter|6e-4|91.4%")
    other = table_of("run|lr|test acc", "base|1e-4|80.0%", "hot|3e-4|83.0%", "hotter|6e-4|82.0%")
    values = values_of(f"## News\n\n{one}## Reviews\n\n{other}", 500)
    assert [t["trial"] for t in values["trials"]] == [
        f"{n}.{name}" for n in (1, 2) for name in ("base", "hot", "hotter")
    ]
    assert [note["code"] for note in values["notes"]] == ["tables_apart", "numbers_restart"]
    assert values["inconsistencies"] == []


def test_a_change_that_begins_with_plus_does_not_say_what_it_is_added_to():
    values = values_of(
        table_of("#|change|acc", "1|baseline: lr 1e-4, r 8|70.0%", "2|+ lr 3e-4|73.0%", "3|+ r 32|74.0%"), 200
    )
    assert [t["settings_read"] for t in values["trials"]] == [True, False, False]
    assert {cell["why"] for cell in values["unread_cells"]} == {"step"}
    assert [t["why"] for t in values["next_trials"]] == ["baseline"]  # nothing that was not surely read is proposed


@pytest.mark.parametrize("ground", ["在 2 号的基础上继续。", "以 2 的配置为起点。", "Keeping run 2, we go on."])
def test_what_a_round_builds_on_may_be_a_bare_number(ground):
    first = table_of("编号|改动|准确率", "1|基线 lr 1e-4，r 8|70.0%", "2|lr 3e-4|76.0%")
    text = f"## 第1轮\n\n{first}## 第2轮\n\n{ground}\n\n" + table_of("编号|改动|准确率", "3|r 32|77.0%")
    assert values_of(text, 200)["trials"][2]["values"] == {"learning_rate": 3e-4, "lora_r": 32}


def test_the_number_of_examples_is_that_of_the_results_split():
    table = table_of("run|lr|test acc", "base|1e-4|90.0%", "hot|3e-4|91.0%")
    assert values_of(f"Validation set: 200 examples, test set: 500 examples.\n\n{table}")["examples"]["n"] == 500


def test_the_best_under_a_rounds_heading_is_the_best_of_that_round():
    first = table_of("#|lr|acc", "1|1e-4|50.0%", "2|2e-4|60.0%") + "\n- #2 is the best.\n- #2 is the best overall.\n\n"
    values = values_of(f"## Round 1\n\n{first}## Round 2\n\n" + table_of("#|lr|acc", "3|4e-4|70.0%"), 200)
    assert [c["reason"] == "not_best" for c in values["claims"]] == [False, True]


def test_a_number_of_another_result_is_no_slip():
    table = table_of("run|lr|val acc|test acc", "run1|1e-4|72.0%|70.0%", "run2|3e-4|75.0%|73.0%")
    assert codes(values_of(f"{table}run2 reached 75.0%. run1 reached 99% on the training set.\n", 200)) == []
    assert codes(values_of(f"{table}run2 reached 74.0%.\n", 200)) == ["said_differs"]


def test_a_reward_may_be_negative():
    values = values_of(table_of("run|lr|reward", "a|1e-4|-1.20", "b|3e-4|-0.90"))
    assert (values["measure"]["kind"], values["best"]) == ("score", "b")


def test_a_round_on_top_of_the_best_is_held_against_the_best():
    """The full table has the best's rate too; the round's goal says that it starts from there."""
    rounds = "## Round 1\n\n" + table_of("#|change|acc", "1|baseline: lr 1e-4, r 8|70.0%", "2|lr 3e-4|75.0%")
    rounds += "## Round 2\n\nGoal: on top of the best, a larger rank.\n\n" + table_of("#|change|acc", "3|r 32|76.0%")
    full = "## All\n\n" + table_of("#|lr|r|acc", "1|1e-4|8|70.0%", "2|3e-4|8|75.0%", "3|3e-4|32|76.0%")
    assert "described_short" not in codes(values_of(rounds + full, 200))


def test_a_table_of_a_column_a_trial_is_turned():
    table = table_of("Parameter|Run 1|Run 2", "learning rate|1e-4|3e-4", "rank|8|8", "accuracy|70.0%|73.0%")
    values = values_of(f"{table}Run 2 is the best.\n", 200)
    assert [(t["trial"], t["values"]["learning_rate"]) for t in values["trials"]] == [("Run 1", 1e-4), ("Run 2", 3e-4)]
    assert values["claims"][0]["trials"] == [values["trials"][1]["key"]]


def test_the_epochs_of_one_training_are_no_trials():
    log = table_of("Epoch|Train loss|Val acc", "1|1.2|70.5%", "2|0.8|74.0%", "3|0.5|75.5%")
    with pytest.raises(RecordTableError, match="no table of trials"):
        values_of(log)
    assert len(values_of(table_of("Epochs|Acc", "1|70.5%", "3|74.0%", "5|75.5%"))["trials"]) == 3


@pytest.mark.parametrize("said", ["The best run is 2", "The best trial so far was 2", "最佳实验是 2", "最好的配置为 2"])
def test_the_best_trial_may_be_named_by_its_number_alone(said):
    values = values_of(table_of("#|lr|acc", "1|1e-4|50.0%", "2|2e-4|60.0%", "3|3e-4|55.0%") + f"\n{said}\n", 200)
    found = claim(values, said)
    assert (found["kind"], found["trials"]) == ("best_trial", ["2"])


@pytest.mark.parametrize(("gap", "expected"), [("0.8", []), ("1.8", ["said_gap_differs"])])
def test_a_difference_of_two_levels_is_held_against_their_one_pair(gap, expected):
    table = table_of("run|lr|r|acc", "B0|2e-4|16|84.2%", "B2|2e-4|64|85.0%")
    values = values_of(f"{table}r 从 16 提到 64，准确率提升 {gap} 个百分点。\n", 1000)
    assert (codes(values), claim(values, "r 从 16")["kind"]) == (expected, "unread" if expected else "levels")


def test_labels_that_are_ranges_of_trials_may_stand_for_means():
    record = read_record(table_of("trials|lr|accuracy", "1-5|1e-4|60%", "6-7|2e-4|61%", "8|4e-4|60%").encode(), "x.md")
    assert (record.averaged, record.seeds) == (True, None)
