"""A user's own table of configurations."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunebook.core.configuration import Configuration
from tunebook.data.trials_table import read_trials_table, settings_of
from tunebook.errors import DataError, UserError

BASELINE = Configuration(learning_rate=2e-4, lora_r=8, lora_alpha=32, max_length=512)
TABLE = """\
trial,learning_rate,batch_size,lora_r,lora_alpha,lora_dropout,epochs,grad_accum,max_length,grad_checkpoint,overall_accuracy
exp1,0.0002,2,8,32,0.1,3,4,512,False,0.2989
exp15,0.0002,2,8,32,0.1,3,4,768,True,0.3045
exp16,0.0003,2,32,128,0.05,4,4,512,False,0.3128
"""


def table(folder: Path, text: str):
    (folder / "mine.csv").write_text(text, encoding="utf-8")
    return read_trials_table(folder / "mine.csv", BASELINE)


def test_table_with_aliases_gives_its_configurations_in_order(tmp_path: Path) -> None:
    read = table(tmp_path, TABLE)
    assert read.configurations[2] == Configuration(
        learning_rate=3e-4,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=4,
        num_train_epochs=4,
        lora_r=32,
        lora_alpha=128,
        lora_dropout=0.05,
        max_length=512,
        gradient_checkpointing=False,
    )
    assert read.configurations[1].gradient_checkpointing is True
    assert read.ignored == ("trial", "overall_accuracy")
    assert read.lines == (2, 3, 4)


def test_missing_columns_and_empty_cells_take_the_baseline(tmp_path: Path) -> None:
    read = table(tmp_path, "lr,r\n1e-3,\n,16\n")
    assert read.configurations == (BASELINE.with_values(learning_rate=1e-3), BASELINE.with_values(lora_r=16))


def test_module_names_may_be_separated_by_blanks_or_semicolons(tmp_path: Path) -> None:
    read = table(tmp_path, "target_modules\nq_proj v_proj\nq_proj;v_proj\nall-linear\n")
    assert [c.target_modules for c in read.configurations] == [("q_proj", "v_proj")] * 2 + ["all-linear"]


def test_all_wrong_cells_are_told_with_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        table(tmp_path, "lr,r,grad_checkpoint,scheduler\n0,8,True,linear\n1e-4,eight,maybe,cosin\n1e-4,2.5,no,cosine\n")
    told = str(caught.value).splitlines()
    assert [line.split(". ")[0] for line in told] == [
        'mine.csv:2: lr: found "0"; must be above 0',
        'mine.csv:3: r: found "eight"; must be a number',
        'mine.csv:3: grad_checkpoint: found "maybe"; must be true or false',
        'mine.csv:3: scheduler: found "cosin"; must be one of linear, cosine, constant, constant_with_warmup, '
        "cosine_with_min_lr, warmup_stable_decay",
        'mine.csv:4: r: found "2.5"; must be a whole number',
    ]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("learning_rat\n1e-4\n", 'column "learning_rat": there is no such factor. Did you mean learning_rate?'),
        ("lr,learning_rate\n1e-4,1e-4\n", 'columns "lr" and "learning_rate" are both learning_rate'),
        ("name,accuracy\na,0.3\n", "at least one is a factor"),
        ("lr\n", "no configurations in it"),
        ("lr,r\n1e-4\n", "mine.csv:2: found 1 fields; the header has 2"),
        ("lr\nnan\n", "must be a finite number"),
    ],
)
def test_wrong_table_is_told(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(DataError) as caught:
        table(tmp_path, text)
    assert part in str(caught.value)


def test_missing_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none.csv: cannot be read \(no such file"):
        read_trials_table(tmp_path / "none.csv", BASELINE)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("foo=3", '"foo" is no factor. Write a setting such as lora_r=64'),
        ("lora_rank=3", "Did you mean"),
        ("64", "a setting is a factor, = and its value"),
    ],
)
def test_a_setting_that_is_none_is_told_by_what_is_wrong(text: str, part: str) -> None:
    with pytest.raises(UserError, match=part):
        settings_of(text)
