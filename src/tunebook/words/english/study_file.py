"""The comments of the study file that `init` writes, in English."""

from __future__ import annotations

from collections.abc import Sequence

from tunebook.words.english.common import EnglishPieces

__all__ = ["EnglishStudyFile"]

_COMMENTS = {
    "alpha_rule": "while lora_r varies, keep alpha/r; fixed keeps alpha",
    "budget": "or hours: 8, or both",
    "design": "finds good settings in few trials; one_factor tests what each factor does instead",
    "margin": "differences below 3 points do not matter to you",
    "margin_nats": "differences below 0.03 nats a token (3 % of perplexity) do not matter to you",
    "simulated": "nothing is trained, all results are made up; remove this line and name a model to train",
    "seed": "everything random follows from it",
    "report": "en or zh",
    "no_test": "none found: without one nothing is confirmed on fresh examples",
    "test_not_looked_for": "looked for only beside a file train.*; without one nothing is confirmed on fresh examples",
    "group": "accuracy is also reported by this field",
    "learning_rate": "a common starting point; the study looks for a better one",
    "per_device_train_batch_size": "times accumulation = rows an optimiser step",
    "gradient_accumulation_steps": "leave it: a batch is split automatically to fit in memory",
    "num_train_epochs": "passes over the training rows",
    "lora_r": "rank of the adapter",
    "lora_alpha": "acts as alpha/r",
    "lora_dropout": "a common starting point",
    "space.learning_rate": "a range; the planner places the levels",
    "space.lora_r": "a list of levels",
    "space.lora_dropout": "the baseline's own value is among them",
    "data.prompt_told": "what the model is asked",
    "space.num_train_epochs": "tried together with the learning rate",
    "data.prompt": "a guess from the columns: mend it where it is wrong; other columns go in braces too",
    "data.completion": "what is learnt and scored",
    "data.format": "as the data section says",
    "data.columns": "what the rows call them",
    "data.names": "the answers are numbers; names that say what 0, 1, ... mean are learnt better",
    "numbers": "the answers end in a number; the last number of an answer counts",
    "json_answers": "the answers are JSON: F1 of their fields; json_valid and a schema are possible too",
    "open_texts": "answers are long open texts: how likely the model finds them; or rouge_l, chrf",
    "data.tests": "the code that tests an answer",
    "code": "the answers are code with tests: run in a process with limits; plan and run ask before the first time",
    "free_texts": "answers are free texts: words that they share with the gold text; or rouge_l, bleu, chrf",
}


class EnglishStudyFile(EnglishPieces):
    """A comment for each value."""

    def comment(self, key: str) -> str:
        """The comment for a value whose comment is always the same."""
        return _COMMENTS[key]

    def comment_labels(self, n: int, first: Sequence[str]) -> str:
        """Answers that are labels; `first` are the first of them."""
        return f"{n} different answers: {', '.join(first)}{', ...' if n > len(first) else ''}"

    def comment_short_answers(self, longest: int) -> str:
        """Answers that are short but not labels."""
        return f"short answers, at most {longest} characters"

    def comment_train(self, rows: int, form: str, keys: str) -> str:
        """What the training file contains."""
        return f"{rows} rows, {form} ({keys})"

    def comment_validation(self, examples: int, effect: float | None) -> str:
        """Which differences the validation examples can show, where the first comparisons are made on them."""
        return f"{examples} examples{self._shows(effect)}"

    def _shows(self, effect: float | None) -> str:
        if effect is None:
            return ""
        least = f"{self.amount(effect)} {self.unit}"
        return f"; the first comparisons are made on them and detect differences of {least} or more"

    def comment_no_validation(self, examples: int, effect: float | None, is_oddly_named: bool) -> str:
        """Validation is split off the training rows, for no file was found, or none looked for."""
        why = "looked for only beside a file train.*" if is_oddly_named else "none found"
        return f"{why}: about {examples} rows are split off train{self._shows(effect)}"

    def comment_test(self, examples: int, effect: float | None) -> str:
        """When the test split is used, and what it can show, where the first comparisons are made on it."""
        return f"{examples} examples, opened once, at the end{self._shows(effect)}"

    def comment_train_rows(self, rows: int) -> str:
        """Why only a part of the rows is used for training."""
        return f"of {rows}, drawn by the seed, to save time; remove it to train on all"

    def comment_max_length(self, tokens: int) -> str:
        """The estimated length of the longest row."""
        return f"the longest row has at most about {tokens} tokens; plan counts them"

    def comment_few_levels(self, trials: int) -> str:
        """Why the space is small."""
        return f"few levels, because {trials} trials allow few comparisons"
