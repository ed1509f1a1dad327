"""`compare` in words: two trials or configurations, paired, overall and by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.findings import Finding, Verdict
from tunebook.escaping import clean
from tunebook.words import words_for
from tunebook.words.marks import plain_text
from tunebook.words.numbers import p_phrase, trial_list

__all__ = ["comparison_text"]

_FRAMES = {
    "en": {
        "side": "{name}: {what} ({word} {ids})",
        "trial": "{name}: trial {ids}",
        "one": "trial",
        "many": "trials",
        "changes": "A differs from B in: {changes}.",
        "instead": "{new} instead of {old}",
        "gap": ", ",
        "same": "A and B are the same configuration: what differs is chance.",
        "both": "Counted on both sides, which makes the difference smaller than it is: {word} {ids}.",
        "counts": "On {won} examples A is better, on {lost} B; on the others they are equal.",
        "p": "{p}; a comparison of its own, outside the study's planned questions: exploratory.",
        "mcnemar": "Exact McNemar test of these two trials alone, without the noise between seeds: {p}.",
        "disagree": "Accuracy and loss point in different directions.",
        "groups": "By group, in points (a family of its own):",
        "group": "  {group}: {effect}",
        "none": "Nothing can be compared: one side has no trained trial with outcomes.",
    },
    "zh": {
        "side": "{name}：{what}（{word} {ids}）",
        "trial": "{name}：实验 {ids}",
        "one": "实验",
        "many": "实验",
        "changes": "A 与 B 的不同之处：{changes}。",
        "instead": "{new}（B 为 {old}）",
        "gap": "、",
        "same": "A 与 B 是同一配置，差别只是偶然。",
        "both": "两边都计入的{word}：{ids}，因此显示的差别比实际小。",
        "counts": "A 更好的样本 {won} 个，B 更好的 {lost} 个，其余相同。",
        "p": "{p}；这是计划之外的单独比较，属探索性结果。",
        "mcnemar": "只看这两次实验、不计种子噪声的精确 McNemar 检验：{p}。",
        "disagree": "准确率与损失的方向不一致。",
        "groups": "按组，单位为百分点（另成一族）：",
        "group": "  {group}：{effect}",
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
        overall, groups: the findings of `statistics.judge_round.compare`; None when there was nothing to judge.
        counts: examples on which A's mean score is above B's, and below.
    """
    words, frame = words_for(language), _FRAMES.get(language, _FRAMES["en"])
    if overall is None:
        return frame["none"]
    lines = [
        _side(frame, "A", sides[0], overall.treatment_trials),
        _side(frame, "B", sides[1], overall.control_trials),
    ]
    listed = frame["gap"].join(
        frame["instead"].format(new=words.setting(name, new), old=words.alone(name, old))
        for name, (old, new) in changes.items()
    )
    lines.append(frame["changes"].format(changes=listed) if changes else frame["same"])
    both = set(overall.treatment_trials) & set(overall.control_trials)
    if both:
        lines.append(frame["both"].format(word=_noun(frame, len(both)), ids=trial_list(sorted(both))))
    lines.append(words.found(overall, "A", "B", margin))
    if overall.verdict is Verdict.DIVERGED:
        return plain_text("\n".join(lines))
    lines.append(frame["counts"].format(won=counts[0], lost=counts[1]))
    lines.append(frame["p"].format(p=p_phrase(overall.p_adjusted)))
    if overall.p_mcnemar is not None:
        lines.append(frame["mcnemar"].format(p=p_phrase(overall.p_mcnemar)))
    if overall.witnesses_disagree:
        lines.append(frame["disagree"])
    if groups:
        lines.append(frame["groups"])
        lines += [
            frame["group"].format(group=clean(f.family.partition(":")[2]), effect=words.effect(f)) for f in groups
        ]
    return plain_text("\n".join(lines))


def _side(frame: Mapping[str, str], name: str, what: str, trials: Sequence[int]) -> str:
    """What the user typed and which trials that is; a trial's number is not said twice."""
    ids = trial_list(trials)
    form = "trial" if what == ids else "side"
    return frame[form].format(name=name, what=clean(what), word=_noun(frame, len(trials)), ids=ids)


def _noun(frame: Mapping[str, str], n: int) -> str:
    return frame["one" if n == 1 else "many"]
