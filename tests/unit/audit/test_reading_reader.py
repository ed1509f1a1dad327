"""Whole files: tables, headers, rounds, encodings, and the errors for what is no record."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunebook.audit.model import TableKind
from tunebook.audit.read import read_record
from tunebook.audit.read.reader import MAX_BYTES, MAX_TRIALS
from tunebook.errors import RecordTableError

RECORDS = Path(__file__).parents[2] / "fixtures" / "records"


def record_of(name: str):
    return read_record((RECORDS / name).read_bytes(), name)


def test_a_markdown_record_gives_rounds_and_the_full_table() -> None:
    record = record_of("rounds_en.md")
    words = [row for row in record.rows if row.kind is TableKind.CHANGES]
    full = [row for row in record.rows if row.kind is TableKind.SETTINGS]
    assert (len(words), len(full)) == (19, 19)
    assert {row.section for row in words} == {"Round 1: single changes", "Round 2: ranges", "Round 3: combination"}
    combined = next(row for row in words if row.trial == "exp16")
    assert combined.values == {"learning_rate": 3e-4, "lora_r": 32, "num_train_epochs": 4, "lora_dropout": 0.05}
    assert combined.score.value == pytest.approx(0.3128)


def test_line_numbers_are_those_of_the_file() -> None:
    for name in ("rounds_en.md", "rounds_zh.md", "nineteen.csv"):
        lines = (RECORDS / name).read_text(encoding="utf-8").splitlines()
        for row in record_of(name).rows:
            assert row.trial in lines[row.line - 1]
        for claim in record_of(name).claims:
            assert claim.text.split()[0].strip(",.，") in lines[claim.line - 1].replace("：", ":").replace("，", ",")


def test_language_is_that_of_the_text() -> None:
    assert record_of("rounds_zh.md").language == "zh"
    assert record_of("rounds_en.md").language == "en"


def test_semicolons_a_byte_order_mark_and_windows_lines_are_read() -> None:
    record = record_of("semicolons_zh.csv")
    assert [row.trial for row in record.rows] == ["A", "B", "C", "D", "E"]
    assert record.rows[0].is_baseline
    assert record.rows[1].values["gradient_checkpointing"] is True
    assert record.rows[4].failed


def test_other_encodings_are_read_and_noted() -> None:
    text = "实验号,学习率,准确率\n1,2e-4,0.3128\n"
    for encoding in ("gb18030", "utf-16"):
        record = read_record(text.encode(encoding), "x.csv")
        assert record.rows[0].values == {"learning_rate": 2e-4}
        assert record.notes[0].code == "decoded"


def test_trailing_zeros_dropped_by_a_spreadsheet_do_not_count_as_precision() -> None:
    record = read_record(b"trial,lr,accuracy\n1,1e-4,0.3128\n2,2e-4,0.31\n", "x.csv")
    assert [row.score.unit for row in record.rows] == pytest.approx([1e-4, 1e-4])


def test_percentages_without_a_sign_are_recognised_by_their_size() -> None:
    record = read_record(b"trial,lr,accuracy\n1,1e-4,61.5\n2,2e-4,64\n", "x.csv")
    assert [row.score.value for row in record.rows] == pytest.approx([0.615, 0.64])


def test_the_stated_number_of_examples_is_found() -> None:
    assert record_of("words_en.md").stated_examples == (200,)
    assert record_of("slips_en.md").stated_examples == (500,)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no table of trials"),
        (b"just a sentence\n", "no table of trials"),
        (b"colour,taste\nred,sweet\n", "colour, taste"),
        (b"trial,lr,r\n1,2e-4,8\n", "result column"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not a text file"),
        (b"a" * (MAX_BYTES + 1), "bytes"),
        (b'trial,lr,accuracy\n1,"' + b"x" * 200_000, "delimited table"),
        (b"trial,lr,accuracy\n" + b"1,2e-4,0.5\n" * (MAX_TRIALS + 1), "at most 500"),
        (b"\n" * 60_000, "no table of trials"),
    ],
)
def test_what_is_no_record_gets_one_clear_sentence(content: bytes, says: str) -> None:
    with pytest.raises(RecordTableError) as caught:
        read_record(content, "notes.md")
    assert str(caught.value).startswith("notes.md")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_column_of_changes_is_found_by_its_cells_when_its_header_is_unknown() -> None:
    text = "| id | tinkering | acc |\n|--|--|--|\n| a1 | lr=1e-4 | 0.31 |\n| a2 | r=32 | 0.33 |\n"
    rows = read_record(text.encode(), "x.md").rows
    assert [dict(row.values) for row in rows] == [{"learning_rate": 1e-4}, {"lora_r": 32}]


def test_a_table_with_results_that_is_left_out_is_named() -> None:
    text = "| id | lr | acc |\n|--|--|--|\n| 1 | 1e-4 | 0.31 |\n\n| class | acc |\n|--|--|\n| sports | 0.4 |\n"
    record = read_record(text.encode(), "x.md")
    assert len(record.rows) == 1
    (note,) = record.notes
    assert (note.code, note.values["line"]) == ("table_skipped", 5)


def test_letters_as_labels_are_found_in_claims_but_not_the_article() -> None:
    table = "| Experiment | lr | acc |\n|--|--|--|\n| A | 1e-4 | 81.2 |\n| C | 5e-4 | 83.4 |\n\n"
    text = table + "- C clearly outperforms A.\n- A larger learning rate helps.\n"
    first, second = read_record(text.encode(), "x.md").claims
    assert (first.trials, first.against_trials) == (("C",), ("A",))
    assert (second.trials, second.factor) == ((), "learning_rate")


def test_a_row_labelled_baseline_is_compared_by_its_name() -> None:
    table = "| run | lr | acc |\n|--|--|--|\n| baseline | 1e-4 | 81.2 |\n| exp5 | 5e-4 | 83.4 |\n\n"
    (claim,) = read_record(f"{table}- exp5 is better than baseline.\n".encode(), "x.md").claims
    assert (claim.trials, claim.against_trials) == (("5",), ("baseline",))
