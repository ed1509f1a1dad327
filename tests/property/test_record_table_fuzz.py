"""Whatever bytes a record holds, reading gives a record or a RecordTableError, and every audit can be shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_depth import examples

from tunebook.audit.judge import audit
from tunebook.audit.read import read_record
from tunebook.audit.write.document import audit_markdown
from tunebook.audit.write.values import audit_values
from tunebook.errors import RecordTableError
from tunebook.json_values import to_json

WORDS = [
    "exp1",
    "exp2",
    "3",
    "baseline",
    "基线",
    "lr=2e-4",
    "r=32",
    "学习率提高到 5e-4",
    "dropout",
    "0.1",
    "0.3128",
    "31.28%",
    "112/358",
    "NaN",
    "崩溃",
    "✗",
    "True",
    "-",
    "",
    "1e999",
    "2×10^-4",
    "|",
    "**",
    "best",
    "最佳",
    "better than baseline",
    "exp1 + r=8",
    "r=32 is better than r=8",
    "learning rate above 0.001 fails",
    "批大小对结果没有影响",
    "=cmd()",
    "<b>",
    "\\",
    "\x1b[31m",
    "𝟛",
    "9" * 40,
    "0",
    "0.25",
    "0.5",
    "0.2989",
    "2e-4",
    "8",
    "16",
    "-5",
    "5 epochs",
    "sweet spot lr 1e-4 to 1e-3",
    "重要性排序：学习率 > 秩",
    "1.5",
    "8,16,32",
    "#3",
]
HEADERS = [
    "trial",
    "实验号",
    "lr",
    "学习率",
    "r",
    "秩",
    "alpha",
    "dropout",
    "epochs",
    "batch_size",
    "grad_accum",
    "max_length",
    "grad_checkpoint",
    "accuracy",
    "结果",
    "总体准确率",
    "change",
    "参数修改策略",
    "分析",
    "seed",
    "loss",
    "",
    "target_modules",
]
RESULTS = ["accuracy", "结果", "总体准确率", "acc (%)"]
SETTINGS = ["lr", "学习率", "r", "change", "参数修改策略", "epochs"]
CELL = st.one_of(st.sampled_from(WORDS), st.text(max_size=12))


@st.composite
def tables(draw: st.DrawFn) -> str:
    header = draw(st.lists(st.sampled_from(HEADERS), max_size=6))
    if draw(st.integers(0, 3)):  # mostly what the reader takes for a table of trials
        header = [*header, draw(st.sampled_from(SETTINGS)), draw(st.sampled_from(RESULTS))]
    header = draw(st.permutations(header)) or ["x"]
    rows = draw(st.lists(st.lists(CELL, min_size=len(header), max_size=9), max_size=8))
    separator = draw(st.sampled_from([" | ", " | ", " | ", ",", ";", "\t"]))
    lines = [separator.join(header)]
    if separator == " | ":
        lines.append("|".join("---" for _ in header))
    return "\n".join([*lines, *(separator.join(row) for row in rows)])


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    parts = draw(
        st.lists(
            st.one_of(
                tables(),
                tables(),
                CELL.map(lambda c: f"- {c}"),
                CELL.map(lambda c: f"# {c}"),
                CELL.map(lambda c: f"```\n{c}\n```"),
                st.text(max_size=30),
            ),
            min_size=1,
            max_size=6,
        )
    )
    text = draw(st.sampled_from(["\n", "\n\n", "\n\n", "\r\n\r\n"])).join(parts)
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "gb18030"]))
    return text.encode(encoding, errors="surrogatepass" if encoding != "gb18030" else "ignore")


def _shown(content: bytes, examples: int | None = None) -> None:
    try:
        record = read_record(content, "fuzz")
    except RecordTableError:
        return
    report = audit(record, examples)
    for language in ("en", "zh"):
        text = audit_markdown(report, language)
        assert not any(ord(c) < 32 and c != "\n" for c in text)
    json.dumps(to_json(audit_values(report)), allow_nan=False)


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=examples(150))
def test_random_bytes_give_a_record_or_a_clear_error(content: bytes) -> None:
    _shown(content)


@given(documents(), st.one_of(st.none(), st.integers(1, 10_000)))
@settings(deadline=None, max_examples=examples(400))
def test_random_documents_give_an_audit_or_a_clear_error(content: bytes, examples: int | None) -> None:
    _shown(content, examples)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\x00\x01",
        b"\xff\xfe",
        b"a,b\n1,2\n",
        b'trial,accuracy\n"',
        b"|a|b|\n|-|-|\n",
        b"accuracy\n0.5\n",
    ],
)
def test_what_is_no_record_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(RecordTableError, match=r"notes\.md"):
        read_record(content, "notes.md")
