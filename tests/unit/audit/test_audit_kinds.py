"""Kinds of records that were once read or judged wrongly, each as its smallest example."""

from __future__ import annotations

import io

import pytest

from tunebook.audit.api import AuditedRecord, audit_stream
from tunebook.errors import RecordTableError


def audited(text: str, name: str = "notes.md", examples: int | None = None) -> AuditedRecord:
    return audit_stream(io.BytesIO(text.encode()), name, examples)


def table(header: str, *rows: str) -> str:
    lines = [header, "|".join("---" for _ in header.split("|")), *rows]
    return "".join(f"| {' | '.join(line.split('|'))} |\n" for line in lines) + "\n"


def settings_of(record: AuditedRecord) -> dict[str, tuple]:
    return {t["trial"]: tuple(t["values"].values()) for t in record.values()["trials"]}


def test_blank_cells_mean_what_a_note_says() -> None:
    rows = table("#|lr|r|acc", "1|1e-4|8|70.0", "2|3e-4||72.0", "3||16|73.0")
    above = "空白格表示与上一行相同。\n\n" + rows
    assert settings_of(audited(above)) == {"1": (1e-4, 8), "2": (3e-4, 8), "3": (3e-4, 16)}
    defaults = "Default config: lr=1e-4, r=8. Blank cells are unchanged from it.\n\n" + rows
    assert settings_of(audited(defaults)) == {"1": (1e-4, 8), "2": (3e-4, 8), "3": (1e-4, 16)}


def test_the_text_gives_the_baseline_of_tables_of_one_factor_each() -> None:
    said = "基线配置：学习率 2e-4，r=8。每个表只改一个参数。\n\n"
    record = audited(said + table("学习率|准确率", "1e-4|70.0", "2e-4|72.0") + table("r|准确率", "8|72.0", "32|73.0"))
    assert settings_of(record) == {"1.1": (1e-4, 8), "1.2": (2e-4, 8), "2.2": (2e-4, 32)}
    assert record.values()["baseline"] == {"trial": "1.2", "named": True}


def test_settings_of_all_trials_are_taken_from_the_text_and_said() -> None:
    rows = table("run|lr|acc", "a|1e-4|70.0", "b|3e-4|72.0")
    record = audited("LoRA rank 16 throughout, 3 epochs.\n\n" + rows)
    assert settings_of(record)["a"] == (16, 3, 1e-4)
    assert "The text gives for all trials: rank 16 and epochs 3." in record.markdown("en")
    for text in ("Rank 16 is better than before.", "Alpha is 2r.", "Rank 16.\n\nRank 8 came before."):
        assert settings_of(audited(f"{text}\n\n{rows}"))["a"] == (1e-4,)


def test_the_label_is_the_column_that_tells_rows_apart() -> None:
    record = audited(table("组别|序号|lr|准确率", "基线|1|1e-4|70.0", "学习率|2|3e-4|72.0", "|3|1e-3|71.0"))
    assert list(settings_of(record)) == ["1", "2", "3"]


def test_an_optimiser_of_an_export_is_a_setting() -> None:
    text = "Name,params.lr,params.optimizer,metrics.val_acc\na,1e-4,adamw,0.80\nb,1e-4,lion,0.70\n"
    assert audited(text, "runs.csv").values()["trials"][1]["same_as"] is None


def test_a_change_may_build_on_a_label() -> None:
    text = table(
        "版本|改动|准确率", "v1|默认：lr=1e-4，r=8|70.0%", "v2|lr 改为 3e-4|72.0%", "v3|在 v2 基础上 r=32|73.0%"
    )
    assert settings_of(audited(text))["v3"] == (3e-4, 32)


def test_nothing_is_known_of_a_change_that_is_not_fully_understood() -> None:
    record = audited(table("run|change|acc", "1|lr=1e-4, r=8|70.0%", "2|r=16, label smoothing|72.0%"))
    assert record.values()["trials"][1]["settings_read"] is False
    assert record.values()["unread_cells"][0]["why"] == "change"


def test_a_trend_is_held_against_every_step_also_without_counts() -> None:
    rows = table("run|lr|acc", "a|5e-5|66.4", "b|2e-4|70.2", "c|1e-3|68.8")
    lower, higher = audited(
        rows + "- The lower the learning rate, the better.\n- More learning rate is better.\n"
    ).values()["claims"]
    assert (lower["verdict"], lower["reason"]) == ("cannot_hold", "mixed_signs")
    assert higher["reason"] == "mixed_signs"


def test_a_run_that_is_said_to_have_diverged_is_no_witness_that_training_works_there() -> None:
    rows = table("run|lr|acc", "a|1e-4|80.0", "b|1e-3|79.0", "c|3e-3|51.5 (diverged)")
    (claim,) = audited(rows + "- lr above 1e-3 diverges.\n").values()["claims"]
    assert claim["reason"] == "few_runs"


def test_trials_that_trained_where_they_are_said_to_fail_are_named() -> None:
    rows = table("run|lr|acc", "a|1e-4|80.0", "b|3e-3|79.0")
    assert "Trained there all the same: b." in audited(rows + "- lr above 1e-3 diverges.\n").markdown("en")


def test_the_baseline_is_the_row_that_a_sentence_names_and_is_not_guessed_from_differences() -> None:
    rows = ("1|5e-5|70.0%|-4.5%", "2|1e-4|74.5%|", "3|2e-4|77.0%|+2.5%")
    values = audited(table("序号|学习率|准确率|与基线相比", *rows)).values()
    assert values["baseline"] == {"trial": "1", "named": False}
    assert [note["code"] for note in values["inconsistencies"]] == ["differences_unread"]
    plain = table("序号|学习率|准确率", *(row.rsplit("|", 1)[0] for row in rows))
    assert audited("基线是 2 号实验。\n\n" + plain).values()["baseline"] == {"trial": "2", "named": True}


def test_means_over_an_unknown_number_of_seeds_are_not_counted() -> None:
    text = "run,lr,acc_seed1,acc_mean\na,1e-4,0.810,0.812\nb,3e-4,0.840,0.844\n"
    values = audited(text, "runs.csv").values()
    assert (values["measure"]["name"], values["examples"]["n"]) == ("acc_mean", None)


def test_the_untrained_model_is_no_trial_whatever_column_says_so() -> None:
    rows = table("模型|方法|学习率|acc", "A|原始||41.2", "A|LoRA|1e-4|66.0", "A|QLoRA|1e-4|67.2")
    assert list(settings_of(audited(rows))) == ["2", "3"]


def test_a_running_trial_is_no_trial() -> None:
    text = "Name,State,lr,accuracy\na,finished,1e-4,0.70\nb,running,2e-4,\nc,finished,3e-4,0.72\n"
    assert list(settings_of(audited(text, "runs.csv"))) == ["a", "c"]


def test_a_header_of_two_rows() -> None:
    head = "<tr><th rowspan=2>id</th><th colspan=2>LoRA</th><th colspan=2>准确率</th></tr>"
    head += "<tr><th>r</th><th>lr</th><th>验证</th><th>测试</th></tr>"
    rows = "".join(f"<tr><td>{i}</td><td>8</td><td>{i}e-4</td><td>7{i}.0</td><td>6{i}.0</td></tr>" for i in (1, 2))
    assert audited(f"<table>{head}{rows}</table>").values()["measure"]["name"] == "准确率 测试"


def test_epochs_in_a_grid_are_the_course_of_trainings() -> None:
    with pytest.raises(RecordTableError, match="no table of trials"):
        audited("Accuracy:\n\n" + table("Epoch|lr 1e-4|lr 5e-4", "1|61.0|66.5", "2|65.5|70.0", "3|67.0|69.5"))


def test_importance_is_never_answered_by_a_direction() -> None:
    rows = table("run|lr|r|acc", "a|1e-4|8|66.4", "b|2e-4|8|70.2", "c|2e-4|16|70.3")
    (claim,) = audited(rows + "- The learning rate matters most, then the rank.\n").values()["claims"]
    assert (claim["order"], claim["reason"]) == (["learning_rate", "lora_r"], "order_unknown")


def test_labels_in_words_that_are_all_that_differs_are_a_setting() -> None:
    rows = table("Method|lr|epochs|acc", "LoRA|1e-4|3|70.0", "DoRA|1e-4|3|71.5", "LoRA long|1e-4|6|72.0")
    record = audited(rows + "- DoRA is better than LoRA.\n- 6 epochs are better than 3.\n", examples=200)
    better, longer = record.values()["claims"]
    assert (better["reason"], longer["reason"]) == ("too_small", "confounded")


def test_what_only_headings_say_keeps_the_trials_of_two_tables_apart() -> None:
    first = table("lr|r|acc", "1e-4|8|70.0", "3e-4|8|74.0")
    second = table("lr|r|acc", "1e-4|8|60.0", "3e-4|32|66.5")
    text = f"## Qwen\n\n{first}## Llama\n\n{second}Rank 32 is better than rank 8.\n"
    record = audited(text)
    assert record.values()["claims"][0]["reason"] == "unread"
    assert record.values()["noise"]["freedom"] == 0


def test_the_number_of_steps_is_a_setting_where_it_is_set() -> None:
    rows = table(
        "编号|lr|max steps|准确率", "1|1e-4|500|70.0", "2|3e-4|1000|77.0", "3|1e-3|500|71.5", "4|2e-3|500|70.0"
    )
    assert audited(rows).values()["trials"][1]["moves"] == ["learning_rate", "max steps"]


def test_a_trial_named_by_its_number_alone_is_none_where_every_table_numbers_anew() -> None:
    first = table("序号|学习率|准确率", "1|1e-4|70%", "2|2e-4|72%")
    text = f"## 第一轮\n\n{first}## 第二轮\n\n" + table("序号|r|准确率", "1|8|72%", "2|16|73%") + "2 号最好。\n"
    record = audited(text).values()
    assert [t["trial"] for t in record["trials"]] == ["1.1", "1.2", "2.1", "2.2"]
    assert (record["claims"][0]["reason"], record["inconsistencies"]) == ("unread", [])


def test_and_above_means_the_level_itself_too() -> None:
    rows = table("run|lr|acc", "a|1e-4|80.0", "b|1e-3|79.0", "c|3e-3|diverged")
    above, from_there = audited(
        rows + "- Learning rates above 1e-3 fail.\n- Learning rates of 1e-3 and above fail.\n"
    ).values()["claims"]
    assert (above["reason"], from_there["reason"]) == ("few_runs", "contradicted")


def test_a_description_beside_columns_of_settings_hides_nothing() -> None:
    rows = table("#|What changed|lr|epochs|acc", "1||1e-4|3|61.0", "2|r=64|3e-4|3|67.0", "3|longer|3e-4|6|69.0")
    values = audited(rows).values()
    assert values["inconsistencies"] == []


def test_descriptions_that_are_all_that_differs_are_a_setting() -> None:
    rows = table("#|What changed|lr|epochs|acc", "1|-|1e-4|3|61.0", "2|longer|3e-4|6|67.0", "3|NEFTune|3e-4|6|69.0")
    assert audited(rows).values()["trials"][2]["same_as"] is None


def test_a_blank_description_is_not_no_change() -> None:
    record = audited(table("run|change|acc", "1|lr=1e-4, r=8|70.0%", "2||72.0%"))
    assert record.values()["trials"][1]["settings_read"] is False


def test_claims_numbered_within_a_line_are_listed_together() -> None:
    rows = table("编号|学习率|准确率", "1|1e-4|70.0", "2|3e-4|72.0")
    claims = audited(rows + "可以看到：(1) 学习率 3e-4 优于 1e-4；(2) 2 号最好。\n").values()["claims"]
    assert [c["kind"] for c in claims] == ["unread"]


def test_a_factor_without_its_level_is_not_understood() -> None:
    record = audited(table("run|change|acc", "1|lr=1e-4, r=8|70.0%", "2|r=8, lr x2|72.0%"))
    assert record.values()["trials"][1]["settings_read"] is False


def test_changes_from_the_row_above_are_not_read_as_changes_from_the_baseline() -> None:
    rows = table("#|Change from the previous row|acc", "0|lr 2e-4, r=16|58.3%", "1|lr 1e-4|60.0%", "2|r=32|60.8%")
    assert [t["settings_read"] for t in audited(rows).values()["trials"]] == [True, False, False]


def test_rounds_with_other_results_for_the_same_settings_are_kept_apart() -> None:
    first = "## Round 1\n\n" + table("exp|lr|acc", "1|1e-4|0.70", "2|3e-4|0.74")
    second = "## Round 2 (bigger model)\n\n" + table("exp|lr|acc", "3|1e-4|0.80", "4|3e-4|0.83")
    (claim,) = audited(f"{first}{second}exp 3 is better than exp 1.\n", examples=100).values()["claims"]
    assert claim["reason"] != "same_training"


UNCONNECTED = """Test set: 500 examples.

| run | lr | alpha | dropout | batch | accumulation | acc |
|---|---|---|---|---|---|---|
| a | 1e-4 | 16 | 0 | 8 | 4 | 70.0% |
| b | 2e-4 | 16 | 0 | 8 | 4 | 72.0% |

Round two:

| run | alpha | dropout | acc |
|---|---|---|---|
| c | 64 | 0 | 73.0% |
| d | 32 | 0.1 | 74.0% |

Round three:

| run | epochs | acc |
|---|---|---|
| e | 2 | 75.0% |
| f | 4 | 76.0% |

Alpha 64 is worse than alpha 32.
"""


def test_what_a_table_does_not_give_is_neither_a_difference_nor_a_level() -> None:
    record = audited(UNCONNECTED)
    report = record.report
    assert [j.reason.value for j in report.claims] == ["unread"]  # e or f may have had alpha 32
    assert {effect.factor: effect.levels for effect in report.effects} == {
        "learning_rate": 2, "lora_alpha": 3, "lora_dropout": 2, "num_train_epochs": 2,
    }  # fmt: skip
    trials = {t.label: t for t in report.table.trials}
    assert "effective_batch_size" in trials["a"].acts
    assert not {"learning_rate", "effective_batch_size"} & trials["c"].acts.keys()
    assert "?" not in record.markdown().partition("What this record cannot separate")[2]
    assert [t.again for t in report.next_trials] == ["a", "b"]  # of the others it is not known what to train
