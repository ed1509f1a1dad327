"""`compare` in words: two trials or configurations, paired, overall and by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.findings import Finding, Verdict
from tunebook.record.numbers import p_value, trial_list
from tunebook.record.text import clean, plain_text
from tunebook.record.words import words_for

__all__ = ["comparison_text"]

_FRAMES = {
    "en": {
        "sides": "A: {a} (trials {ta})\nB: {b} (trials {tb})",
        "changes": "A differs from B in: {changes}.",
        "same": "A and B are the same configuration.",
        "counts": "On {won} examples A is better, on {lost} B; on the others they are equal.",
        "p": "p = {p}; a comparison of its own, outside the study's planned questions: exploratory.",
        "mcnemar": "Exact McNemar test of the two single trials: p = {p}.",
        "disagree": "Accuracy and loss point in different directions.",
        "groups": "By group (a family of its own):",
        "none": "Nothing can be compared: one side has no trained trial with outcomes.",
    },
    "zh": {
        "sides": "A：{a}（实验 {ta}）\nB：{b}（实验 {tb}）",
        "changes": "A 与 B 的不同之处：{changes}。",
        "same": "A 与 B 是同一配置。",
        "counts": "A 更好的样本 {won} 个，B 更好的 {lost} 个，其余相同。",
        "p": "p = {p}；这是计划之外的单独比较，属探索性结果。",
        "mcnemar": "两个单次实验的精确 McNemar 检验：p = {p}。",
        "disagree": "准确率与损失的方向不一致。",
        "groups": "按组（另成一族）：",
        "none": "无法比较：其中一方没有训练成功并带有结果的实验。",
    },
}


def comparison_text(
    sides: tuple[str, str],
    changes: Mapping[str, tuple[Any, Any]],
    overall: Finding | None,
    groups: Sequence[Finding],
    counts: tuple[int, int],
    margin: float,
    language: str,
) -> str:
    """The comparison as lines of plain text.

    Args:
        sides: what the user typed for A and B.
        changes: factor to (B's value, A's value).
        overall, groups: the findings of `core.judging.compare`; None when there was nothing to judge.
        counts: examples on which A's mean score is above B's, and below.
    """
    words, frame = words_for(language), _FRAMES.get(language, _FRAMES["en"])
    if overall is None:
        return frame["none"]
    a, b = (clean(side) for side in sides)
    named = {"a": a, "b": b, "ta": trial_list(overall.treatment_trials), "tb": trial_list(overall.control_trials)}
    lines = [frame["sides"].format(**named)]
    listed = ", ".join(f"{words.setting(k, new)} ({words.setting(k, old)})" for k, (old, new) in changes.items())
    lines.append(frame["changes"].format(changes=listed) if changes else frame["same"])
    lines.append(words.found(overall, "A", "B", margin))
    if overall.verdict is Verdict.DIVERGED:
        return plain_text("\n".join(lines))
    lines.append(frame["counts"].format(won=counts[0], lost=counts[1]))
    lines.append(frame["p"].format(p=p_value(overall.p_adjusted)))
    if overall.p_mcnemar is not None:
        lines.append(frame["mcnemar"].format(p=p_value(overall.p_mcnemar)))
    if overall.witnesses_disagree:
        lines.append(frame["disagree"])
    if groups:
        lines.append(frame["groups"])
        lines += [f"  {clean(f.family.partition(':')[2])}: {words.effect(f)}" for f in groups]
    return plain_text("\n".join(lines))
