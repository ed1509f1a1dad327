"""Kinds of columns, cells, layouts and sentences that records of strangers showed: read rightly, in both languages."""

from __future__ import annotations

import pytest

from benchmarks.audit_collection import meaning
from tunebook.audit.judge import audit
from tunebook.audit.judge.report import AuditReport
from tunebook.audit.model import ClaimKind
from tunebook.audit.read import read_record
from tunebook.audit.words.columns import examples_said
from tunebook.audit.write.values import next_trials_csv
from tunebook.errors import RecordTableError


def report_of(text: str, examples: int | None = None) -> AuditReport:
    return audit(read_record(text.encode(), "x.md"), examples)


def roles_of(report: AuditReport) -> dict[str, str]:
    return {use.header: use.factor or use.role for use in report.record.columns}


def levels_of(report: AuditReport, factor: str) -> dict[str, object]:
    return {v.trial.label: v.trial.levels.get(factor) for v in report.trials}


def results_of(report: AuditReport) -> dict[str, object]:
    trials = [v.trial for v in report.trials]
    return {t.label: "failed" if t.failed else t.score and round(t.score.value, 4) for t in trials}


def claims_of(report: AuditReport) -> list[str]:
    return ["listed" if j.claim.kind is ClaimKind.UNREAD else meaning(j) for j in report.claims]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("samples/s", ("31", "31", "29")),
        ("s/step", ("1.2", "1.2", "1.4")),
        ("peak (GB)", ("20", "20", "22")),
        ("Weights", ("[hf](http://x)", "–", "–")),
        ("W&B", ("https://wandb.ai/x", "–", "–")),
        ("每秒样本", ("12", "12", "11")),
        ("模型下载", ("[链接](a.bin)", "无", "无")),
    ],
)
def test_what_a_run_gives_off_is_no_setting(header: str, cells: tuple[str, str, str]) -> None:
    rows = "".join(f"| {n} | {lr} | {cell} | {acc} |\n" for n, lr, cell, acc in zip(
        "abc", ("1e-4", "2e-4", "4e-4"), cells, ("71%", "73%", "74%"), strict=True))  # fmt: skip
    report = report_of(f"| run | lr | {header} | accuracy |\n|---|---|---|---|\n{rows}")
    assert roles_of(report)[header] == "measured"
    assert report.table.extras == ()


@pytest.mark.parametrize(
    ("header", "factor"),
    [
        ("Per-device batch", "per_device_train_batch_size"),
        ("batch size per GPU", "per_device_train_batch_size"),
        ("单卡批大小", "per_device_train_batch_size"),
        ("缩放系数alpha", "lora_alpha"),
        ("学习率lr", "learning_rate"),
        ("LoRA秩r", "lora_r"),
        ("Number of epochs", "num_train_epochs"),
    ],
)
def test_a_header_with_its_name_twice_or_a_qualifier_is_the_factor(header: str, factor: str) -> None:
    text = f"| run | {header} | accuracy |\n|---|---|---|\n| a | 1 | 71% |\n| b | 2 | 73% |\n"
    assert roles_of(report_of(text))[header] == factor


CHANGES = """\
{said}

| name | change | acc |
|---|---|---|
| v0 | lr 1e-4 | 70.0% |
| v1 | lr 3e-4 | 72.0% |
| v2 | as v1, but r=64 | 72.5% |
| v3 | lr 3e-4, dropout 0 | 71.5% |
"""


@pytest.mark.parametrize(
    "said",
    [
        "Unless the table says otherwise: `r = 16`, `alpha = 32`, dropout 0.05, cosine schedule, batch size 8.",
        "All runs use r=16, alpha=32, dropout=0.05, a cosine schedule and batch size 8.",
        "除特别说明外，均为 rank 16、alpha 32、dropout 0.05，余弦调度，批大小 8。",
    ],
)
def test_settings_of_all_trials_hold_where_a_row_does_not_say_otherwise(said: str) -> None:
    report = report_of(CHANGES.format(said=said))
    assert levels_of(report, "lora_r") == {"v0": 16, "v1": 16, "v2": 64, "v3": 16}
    assert levels_of(report, "lora_dropout") == {"v0": 0.05, "v1": 0.05, "v2": 0.05, "v3": 0}
    names = ("lora_alpha", "lr_scheduler_type", "per_device_train_batch_size")
    assert [report.trials[0].trial.levels[name] for name in names] == [32, "cosine", 8]
    assert claims_of(report) == []


def test_a_later_plan_does_not_undo_what_all_trials_have() -> None:
    text = "Rank was 16 everywhere.\n\n| run | lr | acc |\n|---|---|---|\n| a | 1e-4 | 71% |\n| b | 2e-4 | 73% |\n"
    assert levels_of(report_of(f"{text}\nNext I try rank 64.\n"), "lora_r") == {"a": 16, "b": 16}


@pytest.mark.parametrize("cell", ["~~70.1~~ 71.2", "<del>70.1</del> 71.2", "<s>70.1</s> **71.2**"])
def test_what_is_crossed_out_does_not_count(cell: str) -> None:
    text = f"""| run | lr | acc (%) |\n|---|---|---|\n| a | 1e-4 | {cell} |\n| b | 2e-4 | 73.0 |
| ~~c~~ | ~~3e-4~~ | ~~79.0~~ |\n| d | 4e-4 | ~~74.0~~ |\n\n~~a is better than b.~~ b is better than a.\n"""
    report = report_of(text)
    assert results_of(report) == {"a": 0.712, "b": 0.73}
    assert claims_of(report) == ["trials b against a better"]


@pytest.mark.parametrize(
    ("cell", "remark"),
    [
        ("power outage, not finished", ""), ("–", "preempted at step 40"), ("机器重启，没训完", ""), ("", "停电"),
        ("没跑完", ""), ("crashed", "node failure"),
    ],
)  # fmt: skip
def test_a_run_that_was_stopped_from_outside_is_no_trial(cell: str, remark: str) -> None:
    text = f"""| run | lr | acc | notes |\n|---|---|---|---|\n| a | 1e-4 | 71% | |\n| b | 2e-4 | {cell} | {remark} |
| c | 4e-4 | 72% | |\n"""
    report = report_of(text)
    assert results_of(report) == {"a": 0.71, "c": 0.72}
    assert [n.code for n in report.record.notes] == ["no_result_rows"]


@pytest.mark.parametrize(
    ("cell", "remark"),
    [
        ("崩了", ""), ("没收敛", ""), ("never converged", ""), ("训崩了", ""), ("–", "loss exploded at step 60"),
        ("", "发散"), ("", "loss 飞了"),
    ],
)  # fmt: skip
def test_failures_of_the_training_in_a_cell_or_its_remark(cell: str, remark: str) -> None:
    text = f"| run | lr | acc | notes |\n|---|---|---|---|\n| a | 1e-4 | 71% | |\n| b | 2e-3 | {cell} | {remark} |\n"
    report = report_of(f"{text}\nA learning rate of 2e-3 diverges.\n")
    assert results_of(report) == {"a": 0.71, "b": "failed"}
    assert claims_of(report) == ["boundary learning_rate 0.002 at"]


@pytest.mark.parametrize("remark", ["did not diverge", "稳定，没崩", "converged"])
def test_a_remark_that_denies_a_failure_is_none(remark: str) -> None:
    text = f"| run | lr | acc | notes |\n|---|---|---|---|\n| a | 1e-4 | 71% | |\n| b | 2e-3 | – | {remark} |\n"
    assert results_of(report_of(text)) == {"a": 0.71}


def test_failing_at_a_level_that_trained_is_contradicted() -> None:
    text = "| run | lr | acc |\n|---|---|---|\n| a | 1e-4 | 71% |\n| b | 1e-3 | 70% |\n| c | 3e-3 | nan |\n"
    for said in ("学习率到 1e-3 就会发散。", "A learning rate of 1e-3 diverges.", "1e-3 does not train."):
        judged = report_of(f"{text}\n{said}\n").claims[0]
        assert (judged.verdict.value, judged.reason.value) == ("cannot_hold", "contradicted")


def test_a_true_order_within_chance_is_not_said_to_be_unable_to_hold() -> None:
    text = "| run | lr | acc |\n|---|---|---|\n| a | 1e-4 | 71/100 |\n| b | 1e-3 | 73/100 |\n\n{} is better than {}.\n"
    right, wrong = (report_of(text.format(*names)).claims[0] for names in ("ba", "ab"))
    assert (right.verdict.value, right.reason.value) == ("within_chance", "too_small")
    assert (wrong.verdict.value, wrong.reason.value) == ("cannot_hold", "contradicted")


LATEX = r"""
\begin{table}
\caption{Accuracy (\%)}
\begin{tabular}{@{}llr@{}}
\hline
 & \multicolumn{2}{c}{Setting} & \\
\textbf{Run} & LR & $\alpha$ & Test acc. \\ \hline
A & 1e-4 & \multirow{2}{*}{16} & 71.2 \\
B & $3\times10^{-4}$ & & \textbf{73.1} \\ % best so far
C & 1e-2 & 16 & \multicolumn{1}{c}{diverged} \\
\hline
\end{tabular}
\end{table}

A learning rate of 3e-4 is better than 1e-4.
"""


def test_a_table_in_latex_keeps_its_lines() -> None:
    report = report_of(LATEX)
    assert results_of(report) == {"A": 0.712, "B": 0.731, "C": "failed"}
    assert levels_of(report, "lora_alpha") == {"A": 16, "B": 16, "C": 16}
    assert [v.trial.row.line for v in report.trials] == [8, 9, 10]
    assert [(j.claim.line, meaning(j)) for j in report.claims] == [
        (15, "levels learning_rate 0.0003 against 0.0001 better")
    ]


RULED = """\
+-----+-------+------+
| run | lr    | acc  |
+-----+-------+------+
| a   | 1e-04 | 0.71 |
| b   | 3e-04 | 0.73 |
+-----+-------+------+
"""
PIPES = "| run | lr | acc |\n|---|---|---|\n| a | 1e-4 | 0.71 |\n| b | 3e-4 | 0.73 |\n"


@pytest.mark.parametrize("table", [RULED, PIPES])
def test_a_table_in_a_block_of_code_keeps_its_lines(table: str) -> None:
    report = report_of(f"```\n{table}```\nb beats a.\n")
    assert results_of(report) == {"a": 0.71, "b": 0.73}
    assert [(j.claim.line, meaning(j)) for j in report.claims] == [(table.count("\n") + 3, "trials b against a better")]


def test_settings_in_a_list_and_results_in_a_table() -> None:
    text = """- A组：学习率 1e-4，rank 8，3 轮\n- B组：学习率 3e-4，rank 8，3 轮\n- C组：同 B组，但 rank 32

| 组别 | 准确率 |\n|---|---|\n| A组 | 71% |\n| B组 | 74% |\n| C组 | 73% |\n\nrank 从 8 提高到 32 没有提升。\n"""
    report = report_of(text)
    assert levels_of(report, "lora_r") == {"A组": 8, "B组": 8, "C组": 32}
    assert levels_of(report, "learning_rate") == {"A组": 1e-4, "B组": 3e-4, "C组": 3e-4}
    assert claims_of(report) == ["levels lora_r 32 against 8 no better"]


TABLE = """
| run | lr | rank | dropout | epochs | acc (%) |
|---|---|---|---|---|---|
| 1 | 1e-4 | 8 | 0 | 2 | 70.0 |
| 2 | 3e-4 | 8 | 0 | 2 | 72.0 |
| 3 | 3e-4 | 32 | 0 | 2 | 73.0 |
| 4 | 3e-4 | 8 | 0.1 | 2 | 72.5 |
| 5 | 3e-4 | 8 | 0 | 4 | 71.0 |
| 6 | 3e-3 | 8 | 0 | 2 | diverged |
| 7 | 1e-2 | 8 | 0 | 2 | diverged |

"""


@pytest.mark.parametrize(
    ("sentence", "reads"),
    [
        ("Anything above 3e-4 blew up.", ["boundary learning_rate 0.0003 above"]),
        ("3e-3 does not train at all.", ["boundary learning_rate 0.003 at"]),
        ("Training did not survive 3e-3.", ["boundary learning_rate 0.003 at"]),
        ("3e-3 直接训崩。", ["boundary learning_rate 0.003 at"]),
        ("大于 3e-4 都会炸。", ["boundary learning_rate 0.0003 above"]),
        ("学习率超过 3e-4 就崩了。", ["boundary learning_rate 0.0003 above"]),
        ("Moving from rank 8 to rank 32 helped.", ["levels lora_r 32 against 8 better"]),
        ("从 rank 8 提到 rank 32 有提升。", ["levels lora_r 32 against 8 better"]),
        ("Dropout 0.1 is better than no dropout.", ["levels lora_dropout 0.1 against 0 better"]),
        ("dropout 0.1 比不加好。", ["levels lora_dropout 0.1 against 0 better"]),
        ("Run 3 is the best one.", ["best_trial 3"]),
        ("3 号比 2 号高 1 分。", ["trials 3 against 2 better"]),
        ("rank 越大，得分越高。", ["trend lora_r better"]),
        ("rank 越大分数越低。", ["trend lora_r worse"]),
        # not sure, so listed
        ("Four epochs are worse than two.", ["levels num_train_epochs 4 against 2 worse"]),
        ("在每个学习率下 rank 32 都比 rank 8 好。", ["listed"]),
        ("rank 从 8 提到 32 有提升，再提到 64 就没有提升了。", ["listed"]),
        ("No dropout is better than dropout 0.1.", ["listed"]),
        ("Raising it further to 3e-4 brought nothing.", ["listed"]),
        ("3 号比 2 号高 1 分，目前最好。", ["listed"]),
        ("rank 32 is a disaster.", ["listed"]),
        ("dropout 也许还有点用，说不准。", ["listed"]),
        ("A max length of 4096 goes OOM.", ["listed"]),
        ("前三名的差距都在误差以内。", ["listed"]),
        ("Dropout 0.1 is better than none of the others.", ["listed"]),
    ],
)
def test_plain_sentences_are_read_or_listed(sentence: str, reads: list[str]) -> None:
    assert claims_of(report_of(TABLE + sentence + "\n", 200)) == reads


def test_a_remark_that_compares_and_says_best_is_of_its_own_row() -> None:
    text = "| run | lr | acc | notes |\n|---|---|---|---|\n| A-1 | 1e-4 | 71% | |\n"
    report = report_of(f"{text}| A-2 | 2e-4 | 73% | 比 A-1 高 2 个百分点，目前最好 |\n")
    assert claims_of(report) == ["trials A-2 against A-1 better", "best_trial A-2"]


LOSSES = "| id | lr | loss |\n|--|--|--|\n| 01 | 1e-4 | 0.5 |\n| 02 | 2e-4 | 0.4 |\n\n"


@pytest.mark.parametrize(
    "sentence",
    ["02 is below 01.", "02 低于 01。",
     "学习率越大，损失越低。", "01 has the highest loss.", "02 比 01 低。"],
)  # fmt: skip
def test_a_lower_loss_is_not_read_as_a_worse_one(sentence: str) -> None:
    assert claims_of(report_of(LOSSES + sentence + "\n")) == ["listed"]


@pytest.mark.parametrize(
    "sentence",
    ["02 beats 01.", "02 比 01 好。", "A higher learning rate reduces the loss.", "02 has a lower loss than 01."],
)
def test_words_of_worth_are_read_of_losses_too(sentence: str) -> None:
    judged = report_of(LOSSES + sentence + "\n").claims[0]
    assert judged.reason.value == "no_share"
    assert judged.claim.kind is not ClaimKind.UNREAD


@pytest.mark.parametrize(
    ("sentence", "reads"),
    [
        ("With r=32, a learning rate of 3e-4 is best.", "listed"),
        ("rank 32 时学习率 3e-4 最好。", "listed"),
        ("The best is r=32 with lr=3e-4.", "best_trial lora_r=32, learning_rate=0.0003"),
        ("Run 4 does not beat run 3.", "trials 4 against 3 no better"),
        ("4 号没有 3 号好。", "trials 4 against 3 worse"),
        ("3 号没有超过 2 号。", "trials 3 against 2 no better"),
    ],
)
def test_conditions_and_denials(sentence: str, reads: str) -> None:
    assert claims_of(report_of(TABLE + sentence + "\n", 200)) == [reads]


@pytest.mark.parametrize(("header", "cells"), [("weights", ("none", "balanced")), ("samples/step", ("16", "32"))])
def test_what_may_be_a_setting_stays_one(header: str, cells: tuple[str, str]) -> None:
    text = f"| run | lr | {header} | acc |\n|---|---|---|---|\n| a | 1e-4 | {cells[0]} | 70% |\n"
    report = report_of(f"{text}| b | 2e-4 | {cells[1]} | 72% |\n| c | 2e-4 | {cells[0]} | 73% |\n")
    assert report.table.extras == (header,)


def test_a_failed_row_that_gives_a_reason_is_listed() -> None:
    text = "| run | lr | acc | notes |\n|---|---|---|---|\n| a | 1e-4 | 71% | |\n| b | 2e-3 | – | {} |\n"
    assert claims_of(report_of(text.format("学习率过高，训练崩溃"))) == ["listed"]
    assert claims_of(report_of(text.format("loss went to NaN"))) == []


def test_settings_of_an_earlier_record_are_not_taken() -> None:
    text = "In the previous post all runs used rank 8.\n\n| run | lr | acc |\n|---|---|---|\n| a | 1e-4 | 70% |\n"
    assert "lora_r" not in report_of(f"{text}| b | 2e-4 | 71% |\n").table.factors


def test_a_result_far_below_all_others_may_be_called_a_failure() -> None:
    text = "| run | lr | acc |\n|---|---|---|\n| a | 1e-4 | 88.2% |\n| b | 4e-5 | 85.4% |\n| c | 2e-2 | 50.0% |\n"
    judged = report_of(f"{text}\nA learning rate of 2e-2 breaks training.\n").claims[0]
    assert (judged.verdict.value, judged.reason.value) == ("unchecked", "unread")


def test_an_average_place_is_no_result() -> None:
    text = "| run | lr | rank avg | acc |\n|---|---|---|---|\n| a | 1e-4 | 3.5 | 70% |\n| b | 2e-4 | 1.5 | 72% |\n"
    assert roles_of(report_of(text))["rank avg"] == "measured"


@pytest.mark.parametrize(
    ("said", "values"),
    [
        (
            "batch size 统一为 4×2，rank 固定 16。",
            {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "lora_r": 16},
        ),
        ("All runs use rank 8 except b.", {}),
        ("每次实验都用 rank=8，除了 b。", {}),
        ("数据共 8 轮对话，固定 seed 42。", {}),
        ("Rank was fixed at 8 and alpha went from 8 to 32.", {"lora_r": 8}),
    ],
)
def test_what_is_said_of_all_trials_and_what_is_not(said: str, values: dict[str, object]) -> None:
    report = report_of(f"{said}\n\n| run | lr | acc |\n|---|---|---|\n| a | 1e-4 | 70% |\n| b | 2e-4 | 71% |\n")
    assert {name: report.record.rows[0].values.get(name) for name in values} == values
    assert set(report.table.factors) == {*values, "learning_rate"}


def test_and_above_in_chinese_may_mean_above() -> None:
    reasons = [
        report_of(f"{TABLE}{said}\n").claims[0].reason.value
        for said in ("学习率 3e-4 以上都会崩。", "学习率 3e-4 及以上都会崩。")
    ]
    assert reasons == ["few_runs", "contradicted"]


def test_a_label_in_a_description_is_no_setting() -> None:
    rows = (
        "| r1 | lr 2e-4, r=8 | 70% |\n| r2 | lr 4e-4 | 72% |\n| r5 | r2 + dropout 0.1 | 71% |\n| r6 | r2, r5 | 71% |\n"
    )
    trials = report_of(f"| run | change | acc |\n|---|---|---|\n{rows}").table.trials
    assert [t.levels["lora_r"] for t in trials[:3]] == [8, 8, 8]
    assert trials[2].levels["learning_rate"] == 4e-4
    assert trials[3].unread


def test_sentences_of_a_record_of_two_data_sets_are_listed() -> None:
    head, rows = "\n\n| lr | r | acc |\n|---|---|---|\n", "| 1e-4 | 8 | {} |\n| 2e-4 | 8 | {} |\n\n"
    text = f"## Qwen{head}{rows.format('71%', '73%')}## Llama{head}{rows.format('66%', '65%')}"
    assert claims_of(report_of(f"{text}2e-4 is better than 1e-4.\n")) == ["listed"]


def test_a_difference_that_is_not_the_tables_leaves_the_sentence_unread() -> None:
    said = [claims_of(report_of(f"{TABLE}Run 3 beats run 2 by {n}.\n", 200)) for n in ("1 point", "11 points")]
    assert said == [["trials 3 against 2 better"], ["listed"]]


def test_trials_that_may_differ_in_an_unknown_column_are_not_called_equal() -> None:
    rows = "| a | 1e-4 | x | 70% |\n| b | 1e-4 | {} | 75% |\n| c | 2e-4 | hot | 71% |\n"
    text = f"| run | lr | vibe | acc |\n|---|---|---|---|\n{rows}\nb beats a.\n"
    reasons = [report_of(text.format(vibe), 200).claims[0].reason.value for vibe in ("x", "y")]
    assert reasons[0] == "same_training"
    assert reasons[1] != "same_training"


@pytest.mark.parametrize("label", ["GPT-4", "human", "base", "average", "平均"])
def test_a_row_without_any_setting_is_no_trial(label: str) -> None:
    rows = "| a | 1e-4 | 8 | 70% |\n| b | 2e-4 | 8 | 72% |\n"
    report = report_of(f"| run | lr | r | acc |\n|---|---|---|---|\n{rows}| {label} | – | – | 80% |\n")
    assert [t.label for t in report.table.trials] == ["a", "b"]


@pytest.mark.parametrize("cell", ["(还没跑)", "not yet run", "skipped", "未训练"])
def test_a_row_that_was_not_run_is_no_trial(cell: str) -> None:
    report = report_of(
        f"| run | lr | acc |\n|---|---|---|\n| a | 1e-4 | 70% |\n| b | 2e-4 | 72% |\n| c | 4e-4 | {cell} |\n"
    )
    assert [t.label for t in report.table.trials] == ["a", "b"]


def test_labels_that_name_base_models_are_a_setting() -> None:
    rows = "| Qwen-0.5B | 2e-4 | 8 | 55.1% |\n| Qwen-1.5B | 1e-4 | 8 | 63.2% |\n| Llama-1B | 2e-4 | 16 | 58.9% |\n"
    text = f"| Model | LR | Rank | Acc |\n|---|---|---|---|\n{rows}\nRank 16 is better than rank 8.\n"
    assert report_of(text, 500).claims[0].reason.value == "confounded"


def test_the_log_of_one_training_is_no_table_of_trials() -> None:
    rows = "".join(f"| {i} | {10 - i}e-5 | 1.{9 - i} | 0.6{i} |\n" for i in (1, 2, 3))
    with pytest.raises(RecordTableError):
        report_of(f"| Epoch | LR | Loss | Acc |\n|---|---|---|---|\n{rows}")


def test_a_description_of_sentences_is_remarks() -> None:
    head = "Name,learning_rate,lora_r,eval_accuracy,Description\n"
    rows = "base,0.0001,16,0.72,\nlr3,0.0003,16,0.76,lr3 is better than base\n"
    report = report_of(f"{head}{rows}rank32,0.0003,32,0.74,rank 32 is no better than rank 16\n", 400)
    assert report.inconsistencies == ()
    assert claims_of(report) == ["trials lr3 against base better", "levels lora_r 32 against 16 no better"]


@pytest.mark.parametrize(
    "said", ["alpha 始终取 r 的两倍。", "`alpha` 都是秩的 2 倍。", "alpha is always twice the rank."]
)
def test_alpha_as_a_multiple_of_the_rank_is_read(said: str) -> None:
    report = report_of(f"{said}\n\n| run | r | acc |\n|---|---|---|\n| a | 8 | 70% |\n| b | 32 | 72% |\n", 200)
    assert levels_of(report, "lora_alpha") == {"a": 16, "b": 64}
    assert [note.code for note in report.record.notes] == ["alpha_rule"]


def test_an_order_of_importance_that_the_table_has_not_is_not_shown() -> None:
    rows = "| a | 8 | 0 | 80% |\n| b | 8 | 0.1 | 80.5% |\n| c | 32 | 0.1 | 83% |\n"
    text = f"| run | r | dropout | acc |\n|---|---|---|---|\n{rows}\nDropout matters more than rank.\n"
    claim = report_of(text, 400).claims[0]
    assert (claim.verdict.value, claim.reason.value) == ("not_shown", "order_unknown")


CARD = """We scored on 500 that came in later.

- learning_rate: 0.0002
- lora_r: 16

We changed one setting at a time, everything else as listed above.

| Variant | Accuracy |
|---|---|
| released | 0.912 |
| lr 1e-4 | 0.896 |
"""


def test_settings_listed_above_are_those_of_all_trials() -> None:
    report = report_of(CARD)
    assert levels_of(report, "learning_rate") == {"1": 0.0002, "2": 0.0001}
    assert levels_of(report, "lora_r") == {"1": 16, "2": 16}
    assert report.record.stated_examples == (500,)


def test_next_trials_without_a_value_are_no_csv() -> None:
    report = report_of("| Variant | Accuracy |\n|---|---|\n| released | 0.912 |\n| lr 1e-4 | 0.896 |\n", 500)
    lines = next_trials_csv(report).splitlines()
    assert all(any(line.split(",")[:-1]) for line in lines)


def test_seeds_behind_a_mean_and_deviation_are_read() -> None:
    text = "We report the mean and standard deviation over three seeds; the test set has 1,000 sentences."
    report = report_of(
        f"{text}\n\n| run | lr | acc |\n|---|---|---|\n| a | 1e-4 | 84.3 ± 0.4 |\n| b | 2e-4 | 85.9 ± 0.5 |\n"
    )
    assert (report.record.seeds, report.record.stated_examples) == (3, (1000,))


@pytest.mark.parametrize("remark", ["排队中", "queued"])
def test_a_blank_result_beside_a_remark_of_waiting_is_no_trial(remark: str) -> None:
    rows = f"| a | 1e-4 | 70% | |\n| b | 2e-4 | 72% | |\n| c | 4e-4 | | {remark} |\n"
    report = report_of(f"| run | lr | acc | notes |\n|---|---|---|---|\n{rows}")
    assert [t.label for t in report.table.trials] == ["a", "b"]


SETS = """| run | lr | accuracy B | accuracy C |
|---|---|---|---|
| {} | 1e-4 | 71% | 70% |
| v2 | 2e-4 | 74% | 72% |

"""


def test_one_of_equal_result_columns_is_taken_with_a_note() -> None:
    assert [note.code for note in report_of(SETS.format("v1")).record.notes] == ["result_chosen"]


@pytest.mark.parametrize(
    ("first", "said", "read"),
    [
        ("v1", "The best, v2, is 3 points ahead of the baseline.", "listed"),
        ("baseline", "v2 is better than the baseline of 70 %.", "listed"),
    ],
)
def test_the_baseline_of_a_sentence_is_that_of_the_record(first: str, said: str, read: str) -> None:
    assert claims_of(report_of(f"{SETS.format(first)}{said}\n", 200)) == [read]


@pytest.mark.parametrize(
    "said",
    ["alpha 始终取 r 的两倍。\n\n基线：r=8，lr=1e-4，alpha=32。", "Alpha is twice the rank.\n\nAlpha is fixed at 16."],
)
def test_an_alpha_that_the_text_gives_in_two_ways_is_not_taken(said: str) -> None:
    report = report_of(f"{said}\n\n| run | r | acc |\n|---|---|---|\n| a | 8 | 70% |\n| b | 32 | 72% |\n", 200)
    assert "lora_alpha" not in report.table.factors


def test_a_description_of_sentences_with_one_setting_is_remarks() -> None:
    rows = "| a | 8 | 70% | r=8, our start |\n| b | 32 | 72% | rank 32 is better than rank 8 |\n"
    report = report_of(f"| run | r | acc | description |\n|---|---|---|---|\n{rows}", 200)
    assert roles_of(report)["description"] == "analysis"


BY_FACTOR = """{said}

| lr | acc |
|---|---|
| 1e-4 | 70% |
| 3e-4 | 72% |

| r | acc |
|---|---|
| 8 | 72% |
| 32 | 74% |
"""


@pytest.mark.parametrize(
    ("said", "rate"),
    [
        ("Unless stated otherwise we use a learning rate of 3e-4 and rank 8.", 3e-4),
        ("We tried two settings.", None),
    ],
)
def test_what_a_table_of_one_factor_leaves_out_is_never_another_tables_first_row(said: str, rate: float | None) -> None:
    read = levels_of(report_of(BY_FACTOR.format(said=said), 200), "learning_rate")
    assert read["2.2"] == rate


def test_an_empty_cell_of_a_grid_is_no_trial() -> None:
    report = report_of("Accuracy:\n\n| r / lr | 1e-4 | 3e-4 |\n|---|---|---|\n| 8 | 70% | 72% |\n| 32 | 71% | |\n", 200)
    assert results_of(report) == {"8 / 1e-4": 0.7, "8 / 3e-4": 0.72, "32 / 1e-4": 0.71}


@pytest.mark.parametrize(
    ("status", "result"), [("失败（loss 为 NaN）", "failed"), ("失败", "absent"), ("运行中", "absent")]
)
def test_a_state_that_gives_the_reason_is_a_failure(status: str, result: object) -> None:
    rows = f"| a | 8 | 70% | 完成 |\n| b | 32 | - | {status} |\n"
    report = report_of(f"| 编号 | r | 准确率 | 状态 |\n|---|---|---|---|\n{rows}", 200)
    assert results_of(report).get("b", "absent") == result


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [("Learning rates above 4e-4 diverge.", "unread"), ("The sweet spot is lr 1e-4 to 4e-4.", "open_side")],
)
def test_a_sentence_about_what_was_not_tried_is_not_called_wrong(sentence: str, reason: str) -> None:
    rows = "| a | 1e-4 | 70% |\n| b | 4e-4 | 72% |\n| c | 2e-3 | OOM |\n"
    claims = report_of(f"| run | lr | acc |\n|---|---|---|\n{rows}\n{sentence}\n").claims
    assert [claim.reason.value for claim in claims] == [reason]


@pytest.mark.parametrize(
    ("note", "read"), [("An empty cell means the same value as in the released model.", 8), ("", None)]
)
def test_blanks_as_in_the_trial_that_a_note_names(note: str, read: int | None) -> None:
    rows = "| released | 1e-4 | 8 | 70% |\n| hot | 4e-4 | | 72% |\n| wide | | 32 | 71% |\n"
    report = report_of(f"{note}\n\n| run | lr | r | acc |\n|---|---|---|---|\n{rows}", 200)
    hot = next(v.trial for v in report.trials if v.trial.label == "hot")
    assert (None if hot.unread else hot.levels["lora_r"]) == read


@pytest.mark.parametrize(
    ("sentence", "reads"),
    [
        ("要点一：r 从 8 提到 32 更好。", "levels lora_r 32 against 8 better"),
        ("r 越大越好。", "trend lora_r better"),
        ("A learning rate of 1/5000 is better than 1/10000.", "levels learning_rate 0.0002 against 0.0001 better"),
        ("学习率到 2e-4 就训练不起来了。", "boundary learning_rate 0.0002 at"),
        ("Pruning saved us an hour.", "listed"),
    ],
)
def test_further_forms_of_sentences(sentence: str, reads: str) -> None:
    rows = "| a | 1e-4 | 8 | 70% |\n| b | 2e-4 | 32 | 72% |\n"
    report = report_of(f"| run | lr | r | acc |\n|---|---|---|---|\n{rows}\n{sentence}\n", 200)
    assert claims_of(report) == [reads]


def test_a_label_with_a_run_a_seed_is_judged_by_all_of_them() -> None:
    rows = "| a | 1e-4 | 1 | 70 |\n| a | 1e-4 | 2 | 72 |\n| b | 2e-4 | 1 | 69 |\n| b | 2e-4 | 2 | 76 |\n"
    said = "b is better than a. b is the best. a is the best. a beats b by 3 points."
    report = report_of(f"| run | lr | seed | acc |\n|---|---|---|---|\n{rows}\n{said}\n")
    assert [c.verdict.value == "cannot_hold" for c in report.claims] == [False, False, True, True]
    assert report.inconsistencies == ()


@pytest.mark.parametrize(("opening", "reason"), [("We compare by macro-F1.", "no_share"), ("", "unread")])
def test_the_result_by_which_the_text_compares_counts(opening: str, reason: str) -> None:
    rows = "| a | 1e-4 | 70 | 60 |\n| b | 2e-4 | 69 | 62 |\n"
    table = f"{opening}\n\n| run | lr | acc | macro-F1 |\n|---|---|---|---|\n{rows}\nlr 2e-4 is better than 1e-4.\n"
    assert [claim.reason.value for claim in report_of(table).claims] == [reason]


def test_a_loss_that_is_no_number_says_what_a_blank_result_is() -> None:
    rows = "| a | 1e-4 | 70 | 1.2 |\n| b | 2e-4 | 69 | 1.1 |\n| c | 4e-4 | | nan |\n"
    assert results_of(report_of(f"| run | lr | acc | eval loss |\n|---|---|---|---|\n{rows}"))["c"] == "failed"


def test_a_ratio_is_no_rank_and_alpha_and_three_settings_in_a_cell_are_read() -> None:
    rows = "| a | 8 | 2 | 70 |\n| b | 16 | 2 | 72 |\n| c | 16 | 1 | 71 |\n"
    assert roles_of(report_of(f"| run | r | alpha/r | acc |\n|---|---|---|---|\n{rows}"))["alpha/r"] == "unsure"
    rows = "| a | 8/16/0.05 | 70 |\n| b | 16/32/0.1 | 72 |\n"
    report = report_of(f"| run | r/alpha/dropout | acc |\n|---|---|---|\n{rows}")
    assert levels_of(report, "lora_dropout") == {"a": 0.05, "b": 0.1}


def test_settings_in_the_heading_of_a_round_are_not_replaced_by_the_baselines() -> None:
    first = "## Round 1\n\n| exp | change | acc |\n|---|---|---|\n| 1 | baseline lr=1e-4, r=8 | 70 |\n"
    second = "## Round 2 (lr fixed at 3e-4)\n\n| exp | change | acc |\n|---|---|---|\n| 3 | r=16 | 73 |\n"
    report = report_of(f"{first}| 2 | lr=3e-4 | 72 |\n\n{second}| 4 | r=32, lr=3e-4 | 72.5 |\n")
    assert [v.trial.label for v in report.trials if v.trial.unread] == ["3"]


def test_checkpoints_of_one_training_are_no_numbers_of_epochs() -> None:
    rows = "| 1e-4 | 60 | 65 | 66 |\n| 2e-4 | 63 | 67 | 65 |\n"
    report = report_of(f"| lr | acc@ep1 | acc@ep2 | acc@ep3 |\n|---|---|---|---|\n{rows}")
    assert report.table.factors == ("learning_rate",)


@pytest.mark.parametrize(("split", "numbers"), [("", (600, 1000)), ("validation", (600,)), ("test", (1000,))])
def test_both_numbers_of_examples_are_read_where_a_line_gives_two(split: str, numbers: tuple[int, ...]) -> None:
    assert examples_said("500 training rows, 600 validation, 1,000 test; no row in two splits", split) == numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("评测：自建 320 题，pass@1。训练集 5200 条，测试集 480 条", (320, 480)),
        ("Trained on 900 test tickets of last year and scored on 500 that came in later", (500,)),
        ("r=32 gets 12 more test questions right", ()),
        ("12 questions better on the test set", ()),
        ("在测试集上提升了 3 题", ()),
    ],
)
def test_numbers_of_examples_are_not_those_of_training_or_of_a_difference(text: str, numbers: tuple[int, ...]) -> None:
    assert examples_said(text, "") == numbers


@pytest.mark.parametrize(("opening", "codes"), [("All comparisons use the CV column.", []), ("", ["result_chosen"])])
def test_the_first_of_equal_results_is_no_guess_where_the_text_names_it(opening: str, codes: list[str]) -> None:
    rows = "| a | 1e-4 | 0.70 | 0.69 |\n| b | 2e-4 | 0.72 | 0.71 |\n"
    report = report_of(f"{opening} Accuracy:\n\n| run | lr | CV | Public LB |\n|---|---|---|---|\n{rows}")
    assert [note.code for note in report.record.notes] == codes
