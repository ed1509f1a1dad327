"""Metrics of texts that need not match word for word: BLEU, chrF, ROUGE-L, edit similarity, SQuAD's token F1, length.

Chinese and Japanese have no blanks between words; there every character counts as a word.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tunebook.core.facts import ExampleText, Floats
from tunebook.core.metric import CJK, ExampleMetric
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.evaluation.libraries import library

__all__ = ["Bleu", "ChrF", "EditSimilarity", "Length", "RougeL", "SquadExact", "TokenF1", "squad_tokens", "words"]

_WORD = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = set(string.punctuation) | set("，。！？；：、“”‘’（）《》〈〉【】…—·")
MOST_CHARACTERS = 4000
"""Longer answers are cut: some of these metrics take time with the square of the length."""


def words(text: str) -> list[str]:
    """Words of letters and digits, in lower case; each Chinese or Japanese character is one."""
    return _WORD.findall(text.casefold())


class _Tokenizer:
    """As rouge-score asks for one."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)


class Bleu(ExampleMetric):
    """Corpus BLEU by sacrebleu, from 0 to 100: n-grams up to 4, brevity penalty, exponential smoothing.

    Args:
        tokenize: sacrebleu's tokenizer; without one 13a, and zh for rows with Chinese characters in the gold text.
    """

    name = "bleu"
    scale = ScoreScale(kind=ScoreKind.STATISTIC, high=100.0, unit="BLEU", noun="BLEU")

    def __init__(self, tokenize: str | None = None) -> None:
        bleu = library(self.name, "sacrebleu.metrics", "sacrebleu").BLEU
        self._compute = bleu.compute_bleu
        self._metrics = {
            name: bleu(tokenize=name, effective_order=True) for name in {tokenize or "13a", tokenize or "zh"}
        }
        self._tokenize = tokenize
        self._known: dict[tuple[str, tuple[str, ...]], Any] = {}

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """BLEU of one sentence."""
        return self._score_of(np.array(self._counts(answer, (gold,)), float))

    def score_all(self, answers: Sequence[str], examples: Sequence[ExampleText]) -> float:
        """Of the whole split."""
        return self._score_of(self._rows(answers, examples).sum(axis=0))

    def leave_one_out(self, answers: Sequence[str], examples: Sequence[ExampleText]) -> list[float]:
        """Of the split without each row: BLEU depends on the rows' sums alone."""
        rows = self._rows(answers, examples)
        return [self._score_of(each) for each in rows.sum(axis=0) - rows]

    def _rows(self, answers: Sequence[str], examples: Sequence[ExampleText]) -> Floats:
        pairs = zip(answers, examples, strict=True)
        return np.array([self._counts(answer, example.golds) for answer, example in pairs], float)

    def _counts(self, answer: str, golds: tuple[str, ...]) -> list[float]:
        """Matches and totals of the four orders, and the two lengths."""
        if (answer, golds) not in self._known:
            name = self._tokenize or ("zh" if re.search(f"[{CJK}]", golds[0]) else "13a")
            found = self._metrics[name].sentence_score(answer[:MOST_CHARACTERS], list(golds))
            self._known[answer, golds] = [*found.counts, *found.totals, found.sys_len, found.ref_len]
        counts: list[float] = self._known[answer, golds]
        return counts

    def _score_of(self, sums: Floats) -> float:
        n = [int(each) for each in sums]
        found = self._compute(n[:4], n[4:8], n[8], n[9], smooth_method="exp")
        return float(min(100.0, found.score))


class ChrF(ExampleMetric):
    """The mean over rows of sentence chrF (character n-grams up to 6, beta 2) by sacrebleu, from 0 to 100."""

    name = "chrf"
    scale = ScoreScale(kind=ScoreKind.MEAN, high=100.0, unit="chrF", noun="chrF")

    def __init__(self) -> None:
        self._chrf = library(self.name, "sacrebleu.metrics", "sacrebleu").CHRF()

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """chrF of one answer."""
        return float(min(100.0, self._chrf.sentence_score(answer[:MOST_CHARACTERS], [gold]).score))


class RougeL(ExampleMetric):
    """F1 of the longest common subsequence of words (ROUGE-L) by rouge-score."""

    name = "rouge_l"
    scale = ScoreScale(kind=ScoreKind.MEAN, noun="ROUGE-L")

    def __init__(self, stem: bool = False) -> None:
        scorer = library(self.name, "rouge_score.rouge_scorer", "rouge-score")
        tokenizer = {} if stem else {"tokenizer": _Tokenizer()}
        self._scorer = scorer.RougeScorer(["rougeL"], use_stemmer=stem, **tokenizer)

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """ROUGE-L of one answer."""
        return float(self._scorer.score(gold, answer[:MOST_CHARACTERS])["rougeL"].fmeasure)


class EditSimilarity(ExampleMetric):
    """1 minus the edit distance in characters over the longer length, by rapidfuzz."""

    name = "edit_similarity"
    scale = ScoreScale(kind=ScoreKind.MEAN, noun="edit similarity")

    def __init__(self) -> None:
        self._similarity = library(self.name, "rapidfuzz.distance", "rapidfuzz").Levenshtein.normalized_similarity

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """Similarity of one answer, after blanks at the ends."""
        return float(self._similarity(answer.strip()[: 10 * MOST_CHARACTERS], gold.strip()))


def squad_tokens(text: str) -> list[str]:
    """Words as SQuAD compares them: lower case, without punctuation and articles; Chinese by character."""
    plain = "".join(c for c in text.casefold() if c not in _PUNCTUATION)
    spaced = re.sub(rf"([{CJK}])", r" \1 ", _ARTICLES.sub(" ", plain))
    return spaced.split()


class TokenF1(ExampleMetric):
    """F1 of the words of answer and gold text, as in SQuAD (Rajpurkar et al. 2016, arXiv:1606.05250)."""

    name = "token_f1"
    scale = ScoreScale(kind=ScoreKind.MEAN, noun="token F1")

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """Of one answer; two texts without words agree."""
        given, wanted = squad_tokens(answer), squad_tokens(gold)
        if not given or not wanted:
            return float(given == wanted)
        common = sum((Counter(given) & Counter(wanted)).values())
        return 2 * common / (len(given) + len(wanted))


class SquadExact(ExampleMetric):
    """1 when answer and gold text have the same words, as in SQuAD: without case, punctuation and articles."""

    name = "squad_exact"

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0."""
        return float(squad_tokens(answer) == squad_tokens(gold))


class Length(ExampleMetric):
    """The length of the answer in characters, less being better.

    Args:
        span: the difference that counts as 1 where differences are compared with the study's margin.
    """

    name = "length"

    def __init__(self, span: float = 100.0) -> None:
        self.scale = ScoreScale(
            kind=ScoreKind.MEAN, high=None, unit="characters", higher_is_better=False, span=float(span), noun="length"
        )

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """Characters of one answer."""
        return float(len(answer.strip()))
