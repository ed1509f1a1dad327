"""pass@1: whether the code of an answer passes the row's tests, run in `sandbox`."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from tunebook.core.facts import ExampleText
from tunebook.core.metric import ExampleMetric
from tunebook.core.notice import Notice
from tunebook.errors import DataError, EnvironmentStop
from tunebook.escaping import quoted
from tunebook.evaluation.sandbox import Limits, Verdict, confinement, run_code
from tunebook.phrases import Phrase

__all__ = ["PassAt1"]

_BLOCK = re.compile(r"```[ \t]*(?:python|py)?[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL | re.IGNORECASE)
TRIED_SOLUTIONS = 3
"""So many gold answers of each split are run before anything is trained."""


class PassAt1(ExampleMetric):
    """1 when the answer's Python code passes the tests of its row (`data.tests`), else 0; the code runs in a process of
    its own with limits.

    Args:
        seconds: processor time that the code and its tests may take; three times as much of clock.
        memory_mb: memory that they may take.
        with_prompt: put the prompt before the answer, where answers continue it (HumanEval).
    """

    name = "pass@1"
    needs_tests = True
    runs_answers = True
    gold_rule = "code"

    def __init__(self, seconds: float = 5.0, memory_mb: int = 1000, with_prompt: bool = False) -> None:
        if not 0.1 <= seconds <= 600:
            raise ValueError("seconds: a number from 0.1 to 600")
        if not 50 <= memory_mb <= 100_000:
            raise ValueError("memory_mb: a number from 50 to 100000")
        self._limits = Limits(seconds=float(seconds), memory_bytes=memory_mb * 1_000_000)
        self._with_prompt = with_prompt
        self._known: dict[tuple[str, str], Verdict] = {}

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0. Without an example there are no tests: whether the answer is the gold one."""
        if example is None or not example.tests:
            return float(answer.strip() == gold.strip())
        return float(self._verdict(answer, example, self._with_prompt).passed)

    def failures(self, answers: Sequence[str], examples: Sequence[ExampleText]) -> dict[str, int]:
        """How many answers failed in which way (`sandbox.KINDS`)."""
        verdicts = [self._verdict(a, e, self._with_prompt) for a, e in zip(answers, examples, strict=True)]
        return dict(Counter(verdict.kind for verdict in verdicts if not verdict.passed))

    def check(
        self, examples: Mapping[str, Sequence[ExampleText]], places: Mapping[str, Sequence[str]]
    ) -> tuple[str | Notice, ...]:
        """Refuses rows without tests, and gold answers that fail their own tests (the first of each split are run)."""
        if sys.platform == "win32":
            raise EnvironmentStop("metric pass@1: code runs with limits that Windows does not have. Use Linux, or WSL.")
        super().check(examples, places)
        for split, rows in examples.items():
            for row, place in zip(rows, places[split], strict=True):
                if not row.tests.strip():
                    raise DataError(
                        "{place}: no tests; metric pass@1 runs the tests of each row. Name their column, for "
                        'example data: {{tests: "{{test}}"}}.',
                        place=place,
                    )
            for row, place in list(zip(rows, places[split], strict=True))[:TRIED_SOLUTIONS]:
                self._check_gold(row, place)
        missing = {"files", "calls"} - confinement()
        return (Notice("code_not_confined", {"missing": sorted(missing)}),) if missing else ()

    def _check_gold(self, row: ExampleText, place: str) -> None:
        verdict = self._verdict(row.gold, row, self._with_prompt)
        if verdict.passed:
            return
        other = self._verdict(row.gold, row, not self._with_prompt)
        step = Phrase("Correct the row, or the template of data.tests.")
        if other.passed:
            step = Phrase(
                "It passes without the prompt before it: write metric: {name: pass@1, with_prompt: false}."
                if self._with_prompt
                else "It passes with the prompt before it: write metric: {name: pass@1, with_prompt: true}."
            )
        raise DataError(
            "{place}: completion: the gold answer fails its own tests ({why}); pass@1 counts answers that pass them. "
            "{step}",
            place=place,
            why=f"{verdict.kind}: {quoted(verdict.detail)}" if verdict.detail else verdict.kind,
            step=step,
        )

    def _verdict(self, answer: str, example: ExampleText, with_prompt: bool) -> Verdict:
        code = _code_of(answer)
        code = example.prompt + code if with_prompt else code
        if (code, example.tests) not in self._known:
            self._known[code, example.tests] = run_code(code, example.tests, self._limits)
        return self._known[code, example.tests]


def _code_of(answer: str) -> str:
    """The code blocks of an answer, or the answer where it has none."""
    blocks = _BLOCK.findall(answer)
    return "\n\n".join(blocks) if blocks else answer
