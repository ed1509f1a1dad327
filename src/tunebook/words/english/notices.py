"""Warnings and refusals in English, for everything after the study's language is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunebook.core.notice import Notice
from tunebook.escaping import quoted
from tunebook.words.english.common import EnglishPieces, plural
from tunebook.words.numbers import number

__all__ = ["EnglishNotices"]

LISTED = 5


def _first(rows: Sequence[str], count: int) -> str:
    return ", ".join(rows) + (", ..." if count > len(rows) else "")


def _brought(commands: Sequence[str]) -> str:
    return "Bring them with " + ", and ".join(f"`{command}`" for command in commands) + "."


class EnglishNotices(EnglishPieces):
    """A method `notice_<code>` for each code of a `core.notice.Notice`, and `refused_...` for what ends a command."""

    def notice(self, notice: Notice) -> str:
        """The sentence for a warning."""
        values = {
            name: self.translated(each) if isinstance(each, str) else each for name, each in notice.values.items()
        }
        text: str = getattr(self, f"notice_{notice.code}")(**values)
        return text

    # data

    def notice_no_groups(self, metric: str) -> str:
        return f"Metric {metric} is one number of all rows, so nothing is reported by data.group."

    def notice_absent_parts(self, source: str, names: Sequence[str], count: int) -> str:
        """A part of a set of files, given alone."""
        others = "the other one was" if count == 1 else f"the {count} others were"
        return f"{source} is one part of a set of files, and {others} not read ({_first(names, count)})."

    def notice_encoding(self, source: str, encoding: str) -> str:
        """A text that is not UTF-8."""
        return f"{source} is not UTF-8; it is read as {encoding}. Look at some rows with accents or other letters."

    def notice_no_answers(self, source: str) -> str:
        """A split whose rows have no answers."""
        return f"{source} has no column of answers, so nothing can be scored on it; it is left out."

    def notice_unanswerable(self, source: str, count: int, of: int) -> str:
        """Rows whose list of answers is empty."""
        return (
            f"{source}: {count} of {plural(of, 'row')} {'has' if count == 1 else 'have'} an empty list of answers and "
            f"{'is' if count == 1 else 'are'} left out, so nothing is learnt or measured of questions that "
            "have no answer. To take them in, write what the model is to say to them into the list."
        )

    def notice_few_validation_rows(self, count: int) -> str:
        """Too few validation examples."""
        return f"{plural(count, 'validation example')}: only very large differences can be told from chance."

    def _stand_in(self, split: str, other: str, count: int, rows: Sequence[str]) -> str:
        stand = "stands" if count == 1 else "stand"
        return f"{plural(count, 'row')} of {split} {stand} in {other} too ({_first(rows, count)})"

    def notice_overlap(self, split: str, other: str, count: int, rows: Sequence[str]) -> str:
        """The same example is in two splits, and that was allowed; `rows` are the first ones."""
        return f"{self._stand_in(split, other, count, rows)}; this was allowed, and scores on them measure memory."

    def refused_overlap(self, source: str, split: str, other: str, count: int, rows: Sequence[str]) -> str:
        """The same example is in two splits."""
        return (
            f"{source}: {self._stand_in(split, other, count, rows)}; scores on such rows measure memory. Remove "
            f"{'it' if count == 1 else 'them'}, or set data.allow_overlap: true if that is meant."
        )

    def notice_shared_questions(self, split: str, other: str, count: int, rows: Sequence[str]) -> str:
        """The same question is in two splits with different answers."""
        ask, have = ("asks", "has") if count == 1 else ("ask", "have")
        return (
            f"{plural(count, 'row')} of {split} {ask} the same question as a row of {other} and {have} another "
            f"answer ({_first(rows, count)})."
        )

    def notice_duplicates(self, source: str, split: str, count: int, contradicting: int) -> str:
        """Rows that repeat a question of their split, some with another answer."""
        tail = f", {contradicting} of them with another answer" if contradicting else ""
        return f"{source}: {plural(count, 'row')} of {split} repeat an earlier question{tail}."

    def notice_one_label(self, source: str, split: str, count: int, label: str) -> str:
        """Every row has the same answer."""
        return (
            f"{source}: all {count} {split} rows have the same answer, {quoted(label)}; with one answer a score says "
            "nothing about a configuration."
        )

    def refused_one_label(self, source: str, split: str, count: int, label: str) -> str:
        """Every row has the same answer, and the metric cannot use that."""
        problem = self.notice_one_label(source, split, count, label)
        return f"{problem} Is the file sorted by answer? Shuffle it, or give rows with different answers."

    def notice_unseen_labels(self, split: str, labels: Sequence[str], rows: int) -> str:
        """Answers that never occur in training."""
        occur, them = ("occurs", "it") if len(labels) == 1 else ("occur", "them")
        listed = ", ".join(map(quoted, labels[:LISTED]))
        return (
            f"{plural(len(labels), 'answer')} of {split} ({listed}; {plural(rows, 'row')}) never {occur} in the "
            f"training rows, so no configuration can learn {them}."
        )

    def notice_truncated(self, max_length: int, count: int, total: int) -> str:
        """Some answers are cut."""
        return f"max_length {max_length} cuts the answers of {count} of {total} training rows."

    def notice_answers_cut_off(self, max_length: int, count: int, total: int) -> str:
        """Some answers are cut off completely."""
        return (
            f"max_length {max_length} leaves nothing of the answer in {count} of {total} training rows; they are "
            "skipped at that length."
        )

    def notice_beyond_context(self, count: int, longest: int, context: int, place: str) -> str:
        """Training rows are longer than the model's context."""
        return (
            f"{plural(count, 'row')} of training {'is' if count == 1 else 'are'} longer than the model's context of "
            f"{context} tokens (the longest, {place}, has {longest}); they are cut there."
        )

    def notice_beyond_context_scored(self, split: str, count: int, longest: int, context: int, place: str) -> str:
        """Scored rows are longer than the model's context."""
        return (
            f"{plural(count, 'row')} of {split} {'is' if count == 1 else 'are'} longer than the model's context, "
            f"{context} tokens (the longest, {place}, has {longest}); the beginning of the prompt is left out so that "
            "prompt and answer fit."
        )

    def notice_similar_choices(self, choices: Sequence[Sequence[str]]) -> str:
        """Options that differ only in case or blanks, in groups."""
        groups = "; ".join(", ".join(map(quoted, group)) for group in choices[:LISTED])
        return (
            f"options that differ only in case or blanks compete with one another: {groups}. A model that chooses the "
            "other one is wrong. Write them alike in all rows, unless that is meant."
        )

    def refused_not_a_choice(self, place: str, answer: str, choices: int, split: str, rows: int) -> str:
        """A scored row's answer is none of the options."""
        return (
            f"{place}: the answer {quoted(answer)} is none of the {choices} choices ({plural(rows, 'row')} of "
            f"{split}). Add it to data.choices, or correct the row."
        )

    def refused_max_length(self, level: int, shortest: int) -> str:
        """A max_length leaves no training answer."""
        return (
            f"max_length: found {level}; every training prompt has at least {shortest} tokens, so no answer would be "
            f"left. Write more than {shortest}."
        )

    def refused_long_prompts(self, place: str, shortest: int, context: int) -> str:
        """Every training prompt fills the model's context."""
        return (
            f"{place}: every training prompt has at least {shortest} tokens, and the model's context is {context}, so "
            "no answer can be learnt. Shorten the prompts, or use a model with a longer context."
        )

    def refused_long_answer(self, place: str, length: int, context: int, split: str, rows: int) -> str:
        """A scored answer is longer than the model's context."""
        return (
            f"{place}: the answer has {length} tokens; the model's context is {context}, and a scored answer fits into "
            f"it whole ({plural(rows, 'row')} of {split} too long). Shorten or remove such rows, or use a model with a "
            "longer context."
        )

    def refused_token(self, place: str, token: str, number: int, rows: int) -> str:
        """A token for which the model has no embedding."""
        return (
            f"{place}: token {quoted(token)} is number {number}, and the model has {rows} rows of embeddings (0 to "
            f"{rows - 1}). Its tokenizer was given tokens that the model was not: resize the model's embedding "
            "(resize_token_embeddings) and save it, or take the token out of the data and the template."
        )

    def refused_many_choices(self, source: str, found: int, most: int) -> str:
        """Too many options for metric `choice`."""
        return (
            f"{source}: metric choice compares the likelihood of every option, and the training data has {found} "
            f"different completions (at most {most}). Use exact_match, or list the options in data.choices."
        )

    def refused_one_choice(self, source: str) -> str:
        """One option for metric `choice`."""
        return (
            f"{source}: metric choice needs two options, and all completions are the same. List the options in "
            "data.choices."
        )

    # the study

    def notice_long_golds(self, characters: int, all_numbers: bool) -> str:
        """Metric `exact_match` is used on long texts."""
        step = "number" if all_numbers else "contains or module:function"
        return (
            f"exact_match asks for the whole text, and the gold answers have {characters} characters on average; "
            f"consider {step}."
        )

    def notice_code_not_confined(self, missing: list[str]) -> str:
        """Metric `pass@1` runs code that this machine cannot keep from everything."""
        names = {"files": "reading and writing your files", "calls": "starting processes and using the network"}
        what = self.listed([names[each] for each in missing])
        return (
            f"pass@1 runs code that the model writes; on this machine nothing keeps it from {what}. Only time, memory "
            "and the size of files are limited. Linux with Landlock and seccomp keeps it from them."
        )

    def notice_task_from_hub(self, source: str) -> str:
        """A harness's task whose documents are downloaded."""
        return (
            f"The task's documents are the data set {source} of the hub: they are downloaded where they are not cached."
        )

    def notice_task_doubts_its_answers(self, task: str, share: float) -> str:
        """A harness's task that takes its own right answers as wrong."""
        return (
            f"By its own rule, task {task} takes only {100 * share:.0f} % of its right answers as right. See "
            "whether its labels are hidden, or its filter does not fit."
        )

    def notice_said(self, text: str) -> str:
        """A sentence from a third party's metric, unchanged."""
        return text

    def notice_engine_replaced(self, engine: str, why: str, instead: str) -> str:
        """Another engine replaces one that cannot run the model."""
        taken = f"; engine {instead} takes its place" if instead else ""
        return f"engine {engine} cannot run this model: {why}{taken}"

    def notice_engine_refuses(self, engine: str, why: str, instead: str) -> str:
        """Another engine trains some configurations."""
        return f"engine {engine} refuses some configurations of this study ({why}); engine {instead} trains them"

    def notice_tracker_failed(self, tracker: str, reason: str) -> str:
        """A tracker raised an error and is not called again."""
        return f"tracker {tracker} failed with {reason}. The study goes on without it."

    def notice_columns_ignored(self, file: str, columns: Sequence[str]) -> str:
        """Columns of the user's table that are not factors."""
        return f"{file}: columns that are no factors are ignored: {', '.join(columns)}"

    def notice_seeds_not_used(self, keys: Sequence[str], design: str) -> str:
        """Numbers of seeds that the design has no use for."""
        what = {
            "model": "design model decides itself how many seeds a configuration gets, the baseline among them",
            "balanced": "design balanced tries each combination once",
            "table": "the trials of a table get seeds.configuration and seeds.baseline",
        }.get(design, f"design {design} has no use for them")
        verb = "is" if len(keys) == 1 else "are"
        return f"{', '.join(keys)} {verb} not used: {what}. `tunebook add` gives a configuration more seeds."

    def notice_not_measured(self, reason: str) -> str:
        """The machine's speed could not be measured."""
        return f"{reason.rstrip('.')}. No times are predicted."

    def notice_versions_changed(self, changed: Mapping[str, tuple[str, str]]) -> str:
        """Libraries or devices changed between two runs."""
        named = self.comma.join(f"{name} {a} -> {b}" for name, (a, b) in changed.items())
        return f"changed since the last run: {named}. Results may differ in the last digits; the record says so."

    def notice_late_result(self, trial: int) -> str:
        """A result came after its trial had been started anew."""
        return f"trial {trial}: a late result was refused, because the trial had been started anew or had ended"

    def notice_no_figures(self, figures: Sequence[str], reason: str) -> str:
        """Figures that could not be drawn."""
        return (
            f"figures ({', '.join(figures)}): could not be drawn ({reason}); everything else is written. `tunebook "
            "doctor` checks matplotlib and its fonts, `pip install --force-reinstall matplotlib` repairs most of it, "
            "then `tunebook report` draws them."
        )

    def notice_no_curves(self, folder: str, reason: str) -> str:
        """TensorBoard's folder cannot be written."""
        return (
            f"tensorboard: {folder} cannot be written ({reason}); curves go to the ledger only. The study goes on; "
            "`tunebook report` can write them again when the folder can be written."
        )

    def refused_study_changed(
        self, file: str, study: str, keys: Sequence[str], larger: Sequence[str], any_value: Sequence[str]
    ) -> str:
        """The study file now asks another question than when the study was begun, which accepts larger values of some
        keys and any value of others."""
        option = ", by an option if not in the file" if any(key.startswith("budget.") for key in keys) else ""
        return (
            f"{file}: changed since the study {study!r} was begun: {', '.join(keys)}{option}. A begun study accepts "
            f"larger values of {', '.join(larger)}, any value of {', '.join(any_value)}, and trials of your own "
            "(`tunebook add`). Anything else changes what its trials mean. Undo the change, or give the study another "
            "name."
        )

    def refused_other_data(self, source: str, role: str, then: str, now: str) -> str:
        """A data file changed."""
        return (
            f"{source}: the {role} file is not the one the study was begun with (its SHA-256 was {then}, now it is "
            f"{now}). Results on different data cannot be compared. Restore the file, or give the study another name."
        )

    def refused_other_model(self, model: str, then: str, now: str) -> str:
        """The model changed."""
        return (
            f"{model}: the model is not the one the study was begun with (fingerprint {then}, now {now}). Restore it, "
            "or give the study another name."
        )

    def _known_trials(self, ids: Sequence[int]) -> str:
        return f"{min(ids)} to {max(ids)}" if ids else "none yet"

    def refused_trial(self, text: str, ids: Sequence[int]) -> str:
        """There is no trial with that number."""
        return f"{text}: no such trial; this study has trials {self._known_trials(ids)}. Give one of these."

    def refused_reference(self, text: str, keys: Sequence[str], ids: Sequence[int]) -> str:
        """A name that stands for no configuration, or for several (`keys`)."""
        what = {
            "best": "this study has no best configuration yet",
            "cheapest": "this study has shown no configuration as good as the best",
        }.get(text) or (
            f"means {len(keys)} configurations ({', '.join(keys)})" if keys else "means no trial or configuration here"
        )
        return (
            f'{text}: {what}. A reference is a trial\'s number ({self._known_trials(ids)}), "baseline", "best", '
            '"cheapest", a factor and level such as "lora_r=32", or a configuration\'s key (`tunebook status` lists '
            "them)."
        )

    def refused_unfinished(self, trial: int, finished: int) -> str:
        """A trial to be trained again does not exist or is not finished."""
        return f"{trial}: no finished trial of that number; this study has {finished}. `tunebook status` shows them."

    def refused_nothing_trained(self, folder: str) -> str:
        """There is nothing to export."""
        return f"{folder}: no trial has been trained yet, so there is nothing to export."

    def no_adapter(self, engine: str) -> str:
        """Where an adapter's folder would be named: a simulated study has none."""
        return f"none, because engine {engine} trains nothing: what lies in its place is made up"

    def refused_simulated(self, engine: str) -> str:
        """A merged model is asked for of a study in which nothing was trained."""
        return (
            f"merged: this study's engine, {engine}, trains nothing and leaves no adapter to merge. Run the study with "
            "an engine that trains, packed or peft, under another name."
        )

    def refused_nothing_learned(self, folder: str) -> str:
        """No configuration is recommended."""
        return (
            f"{folder}: no configuration is shown to have learned the task, so none is recommended and there is "
            "nothing to export. The record says what may help. With `floor: go_on` in the study file, `tunebook run` "
            "and then `tunebook export` write the one that leads all the same."
        )

    def notice_done_nothing_learned(self) -> str:
        """A study that stopped since nothing was learned is run again."""
        return (
            "Nothing more is trained: the study has stopped because nothing was learned, and a larger budget does not "
            "change that. The record says what may help; with `floor: go_on` in the study file the study goes on."
        )

    def notice_done_little_to_gain(self, gain: float, chance: float, margin: float) -> str:
        """The budget of a finished study was raised, and the model of its trials proposes nothing more."""
        return (
            "Nothing more is trained although the budget is larger: by the model of all trials so far, the chance "
            f"that any setting of this space is better than the best by more than your margin of "
            f"{self.exactly(margin)} {self.unit} is {number(100 * chance, 2)} %; on average {self.size(gain)} "
            f"{self.unit} are left to gain. A smaller `margin` in the study file makes it go on, `tunebook add` trains "
            "settings of your own, and a new study can search a wider space."
        )

    def notice_done_no_question(self) -> str:
        """The budget of a finished study was raised, and no round has anything to ask."""
        return (
            "Nothing more is trained although the budget is larger: what it has room for has been trained or is "
            "not worth a trial. A still larger budget may make the study go on, `tunebook add` trains settings of your "
            "own, and a new study can search a wider space."
        )

    def notice_adapters_elsewhere(self, count: int, commands: Sequence[str]) -> str:
        """The study was begun in another place, where adapters are that this folder has not got."""
        are = "is" if count == 1 else "are"
        return (
            f"{plural(count, 'adapter')} of this study {are} not in its folder: it was run in another place before. "
            f"{_brought(commands)}"
        )

    def refused_adapter_elsewhere(self, trial: int, folder: str, commands: Sequence[str]) -> str:
        """All trials are trained, but the best one's adapter is not here."""
        where = f" {_brought(commands)}" if commands else " Restore it from where it was moved to."
        return (
            f"{folder}: the adapter of trial {trial}, the best one, is not in this folder, so there is no best/. All "
            f"results are kept, and the record is written.{where} Then repeat this."
        )

    def refused_no_adapter(self, adapter: str, trial: int, command: str) -> str:
        """The adapter to export no longer exists."""
        return (
            f"{adapter}: the adapter of trial {trial} is not there (an external trainer need not leave one, or the "
            f"folder was deleted). `{command}` trains it again."
        )
