"""What the commands print, in English: plan, status, progress, run, rerun, compare, export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.findings import NothingLearned
from tunebook.core.reproduction import Reproduction
from tunebook.core.study import Cut, Fold, Purpose, RoundKind, TrialState
from tunebook.escaping import excerpt, quoted
from tunebook.words.english.codes import PURPOSES, ROUNDS
from tunebook.words.english.common import plural
from tunebook.words.english.labels import PATHS, ROUND_STATES
from tunebook.words.english.rounds import EnglishRounds
from tunebook.words.numbers import bytes_text, duration, p_phrase, rounded_time, trial_list
from tunebook.words.values import Spending

__all__ = ["EnglishTerminal"]

LISTED = 5


def _time_range(seconds: tuple[float, float]) -> str:
    low, high = map(rounded_time, seconds)
    return f"about {low}" if low == high else f"{low} to {high}"


def _step(step: int, total: int | None) -> str:
    return f"step {step}" + ("" if total is None else f" of {total}")


class EnglishTerminal(EnglishRounds):
    """A section for each command."""

    def trials_named(self, ids: Sequence[int]) -> str:
        """ "trial 3", "trials 1-3, 5"."""
        return f"trial{'' if len(ids) == 1 else 's'} {trial_list(ids)}"

    def path_name(self, key: str) -> str:
        """The name of a written file; files without a name of their own keep their key."""
        return PATHS.get(key, key)

    def changed_pairs(self, changed: Mapping[str, tuple[str, str]]) -> str:
        """Changed versions, then and now."""
        return self.comma.join(f"{name} {then} -> {now}" for name, (then, now) in changed.items())

    # plan

    def plan_checking(self) -> str:
        """What `plan` does first."""
        return "Checking data and model."

    def warning_line(self, text: str) -> str:
        """A warning in the terminal."""
        return f"warning: {text}"

    def plan_study(self, name: str, model: str, quantization: str, engine: str, metric: str) -> str:
        """The study with its model, engine and metric."""
        kept = self.weights_kept(quantization)
        return f"study {name}: model {model}{f' ({kept})' if kept else ''}, engine {engine}, metric {metric}"

    def plan_metrics(self, decides: str, others: Sequence[str]) -> str:
        """Of several metrics, which one decides; margin and detectable differences are of it alone."""
        return (
            f"metrics: {decides} decides, and differences and the margin below are of it; {self.listed(others)} "
            f"{'is' if len(others) == 1 else 'are'} reported beside it"
        )

    def plan_data(self, train: int, validation: int, test: int, form: str) -> str:
        """The sizes of the splits."""
        tail = f" (format {form})" if form else ""
        return f"data: {train} training, {validation} validation, {test or 'no'} test examples{tail}"

    def not_used(self, columns: Sequence[str]) -> str:
        """Columns of the data that no part of an example comes from."""
        return f"not used: {', '.join(map(quoted, columns))}"

    def plan_task(self, task: Mapping[str, Any]) -> list[str]:
        """The task of a harness that scores: what of it counts, and one document; `task` is `TaskAbout` as a map."""
        lines = [f"scored by: {self.task_fact(task)}"]
        if shown := task.get("shown"):
            prompt, right, *others = shown
            lines += [f"  document: {excerpt(str(prompt))}", f"  right answer: {excerpt(str(right))}"]
            if others:
                lines.append(f"  compared with: {self.comma.join(excerpt(str(each)) for each in others[:LISTED])}")
        return lines

    def plan_program(self, command: str) -> str:
        """The external trainer that would be started."""
        return f"program: {command}"

    def plan_lengths(self, mean: float, longest: int, in_words: bool) -> str:
        """The lengths of training examples."""
        return f"lengths: {self.length(round(mean), in_words)} a training example on average, {longest} at most"

    def plan_example(
        self, place: str, *, prompt: str, learnt: str, stops: Sequence[str], options: Sequence[str], metric: str
    ) -> list[str]:
        """One training example with its special tokens: what is given, learnt and scored; no metric: training rows are
        not scored as they are."""
        ends = " or ".join(map(excerpt, stops))
        scored = f"what is written after the prompt, up to {ends}, by {metric}"
        if options:
            first = self.comma.join(map(excerpt, options[:LISTED])) + (", ..." if len(options) > LISTED else "")
            scored = f"the likelihood of each of {len(options)} options: {first}"
        return [
            f"example: {place}, as the model sees it",
            f"  prompt: {excerpt(prompt)}",
            f"  learnt: {excerpt(learnt)}",
            *([f"  scored: {scored}"] if metric else []),
        ]

    def plan_nothing_left(self) -> str:
        """The study is finished."""
        return "Nothing is left to do. With a larger budget the study would go on."

    def plan_columns(self) -> tuple[str, str, str, str]:
        """Headings of the table of rounds."""
        return "round", "trials", "comparisons", "detects differences of"

    def plan_in_all(self) -> str:
        """The row below the rounds: what the budget leaves them together."""
        return "in all"

    def plan_sees(self, effect: float, on_test: bool) -> str:
        """The smallest detectable effect and on which examples, for the table of rounds."""
        return f"{self.amount(effect)} {self.unit} or more, on {'test' if on_test else 'validation'}"

    def plan_next(self, kind: RoundKind, counts: Mapping[Purpose, int], units: int, free: int) -> str:
        """The trials of the next part that are trained, by purpose, what they take of the budget, and how many more are
        only scored."""
        listed = self.comma.join(f"{PURPOSES[purpose]}: {n}" for purpose, n in counts.items())
        total = f"Next part, {ROUNDS[kind]}: {plural(sum(counts.values()), 'trial')} ({listed})"
        total += f", which count as {units} of the budget" if units != sum(counts.values()) else ""
        on_the_way = f"; {free} more are scored on the way and cost no training" if free else ""
        return f"{total}{on_the_way}."

    def plan_levels(self, levels: Mapping[str, Sequence[str]], baseline: Mapping[str, str]) -> str:
        """The levels of each factor in the next part, the baseline's own in brackets."""
        parts = [
            f"{self.factor(name)} {self.comma.join(values)} (baseline: {baseline[name]})"
            for name, values in levels.items()
        ]
        return f"levels: {'; '.join(parts)}"

    def plan_trial_columns(self) -> tuple[str, str, str, str]:
        """Headings of the list of trials."""
        return "trial", "purpose", "changed from the baseline", "seed"

    def plan_fold(self, fold: Fold, longest: int | None, in_words: bool) -> str:
        """A folded configuration and the reason."""
        level = fold.configuration.as_dict()[fold.factor] if fold.factor else None
        what = self.setting(fold.factor, level) if fold.factor else "a configuration"
        return (
            f"folded: {what}. {self.fold(fold.reasons, longest, in_words)} Saves {plural(fold.saved_trials, 'trial')}."
        )

    def plan_cut(self, cut: Cut) -> str:
        """What the budget does not allow."""
        return f"cut, because the budget does not allow it: {self.cut(cut)}"

    def plan_margin(self, smallest: float, margin: float, on_test: bool) -> list[str]:
        """The margin within which equality can be shown; `on_test`: by comparing on the test split."""
        split = "test" if on_test else "validation"
        lines = [
            f"smallest margin within which two configurations could be shown equal: {self.amount(smallest)} {self.unit}"
        ]
        if margin < smallest:
            lines.append(
                f"your margin of {self.exactly(margin)} {self.unit} is below that: this study cannot show that a "
                f"configuration is equal or as good; it would take more {split} examples or seeds"
            )
        if not self.scale.counts_right_answers:
            lines.append(
                f"these are guesses, as if {self.measure} varied over examples like right and wrong answers; the "
                "record says how it does"
            )
        return lines

    def plan_without_cuts(self, trials: int, effect: float) -> str:
        """What the cuts cost in sensitivity."""
        without = f"without the cuts ({plural(trials, 'trial')})"
        return f"{without} explore would detect differences of {self.amount(effect)} {self.unit}"

    def plan_memory(self, needed: float, slots: int, free: float) -> list[str]:
        """Memory for the next trials and free memory, in bytes."""
        trials = "one trial" if slots == 1 else f"{slots} trials at a time"
        lines = [f"memory: about {bytes_text(needed)} for {trials}, {bytes_text(free)} free"]
        if needed > free:
            lines.append(
                "that is more than is free, so trials would fail: close other programs, lower max_length or lora_r, "
                "or take a smaller model"
            )
        return lines

    def plan_not_measured(self) -> str:
        """No time is predicted."""
        return "time and memory: not predicted, for this machine was not measured with this model"

    def plan_time(
        self,
        one_by_one: tuple[float, float],
        here: tuple[float, float],
        effect: float | None,
        prices: tuple[float, float] | None,
        simulated: bool,
    ) -> str:
        """One line with the time that the study takes: each a range, in seconds; simulated: of a made-up world."""
        finds = f"; the study detects differences of {self.amount(effect)} {self.unit} or more" if effect else ""
        priced = f", for {prices[0]:,.2f} to {prices[1]:,.2f}" if prices else ""
        alone = f"One after another with PEFT and the Trainer the trials would take {_time_range(one_by_one)}"
        if simulated:
            alone, together = f"In the time of the simulated world, {alone[0].lower()}{alone[1:]}", "together"
        else:
            together = "here"
        return f"{alone}; {together} they take {_time_range(here)}{priced}{finds}."

    def plan_service(self, requests: float, tokens: tuple[float, float], price: float | None) -> str:
        """What a metric that asks a service will ask for, at most."""
        counted = f", about {tokens[0]:,.0f} tokens in and {tokens[1]:,.0f} out" if any(tokens) else ""
        priced = f", for about {price:,.2f}" if price is not None else ""
        return (
            f"Judging takes at most {requests:,.0f} requests{counted}{priced}, beside those that fail; equal "
            "answers are asked about once."
        )

    # status

    def status_title(self, study: str, finished: bool) -> str:
        """First line of the status."""
        return f"study {study}: {'done' if finished else 'not finished'}"

    def status_columns(self) -> tuple[str, str, str]:
        """Headings of the table of rounds."""
        return "round", "state", "trials"

    def round_name(self, number: int | None, kind: RoundKind) -> str:
        """A round with its number, if it has one already."""
        return f"{'' if number is None else number} {ROUNDS[kind]}".strip()

    def round_state(self, state: str) -> str:
        """The state of a round."""
        return ROUND_STATES[state]

    def state_counts(self, trials: Mapping[TrialState, int]) -> str:
        """Numbers of trials by state."""
        return self.comma.join(f"{n} {self.state(state)}" for state, n in trials.items())

    def running_round(self, name: str, counts: str) -> str:
        """The running round, in one line."""
        return f"round {name} ({counts})"

    def leading(self, accuracy: float, interval: tuple[float, float] | None, changes: str) -> str:
        """The configuration that leads."""
        text = f"leading: {self.accuracy(accuracy, interval)}"
        return f"{text}: {changes}" if changes else text

    def status_nothing_learned(self, found: NothingLearned) -> str:
        """No configuration leads for a reason."""
        leading, reached = self.measured(found.accuracy), self.measured(found.bar)
        bar = "the untrained model" if found.bar_is == "untrained" else "always giving the commonest answer"
        return f"no configuration is shown to have learned the task: the leading one {leading}, {bar} {reached}"

    def baseline_accuracy(self, accuracy: float) -> str:
        """The baseline's accuracy."""
        return f"baseline: {self.measured(accuracy)}"

    def status_configurations(self) -> tuple[str, str, str, str]:
        """Headings of the list of configurations; `compare` takes the first column."""
        return "key", self.measure, "trials", "changed from the baseline"

    def spent(self, spending: Spending) -> str:
        """Trials and hours used of the budget."""
        trials = "" if spending.budget_trials is None else f" of {spending.budget_trials}"
        hours = "" if spending.budget_hours is None else f" of {spending.budget_hours:g} h"
        return f"spent: {spending.trials}{trials} trials, {duration(spending.seconds)}{hours}"

    def training_now(self, ids: Sequence[int]) -> str:
        """The running trials."""
        return f"training now: {len(ids)} side by side, {self.trials_named(ids)}"

    def waiting(self, ids: Sequence[int]) -> str:
        """The planned trials that have not begun."""
        return f"waiting: {self.trials_named(ids)}"

    def speed(self, trials_per_hour: float) -> str:
        """Trials per hour."""
        return f"speed: {trials_per_hour:.1f} trials an hour"

    def time_left(self, seconds: float) -> str:
        """An upper bound of the time left."""
        return f"left: at most about {duration(seconds)}"

    def not_trained(self, ids: Sequence[int]) -> str:
        """Trials that failed."""
        return f"could not be trained: {self.trials_named(ids)}"

    def workers_died(self, count: int, worker: str, reason: str) -> str:
        """The number of workers that died, and the last one with its reason."""
        return f"workers that died: {count}, the last one {worker}: {reason}"

    def phase_no_device(self) -> str:
        """Every worker waits for a device, and has for a minute."""
        return "waiting: no device is free (the study goes on by itself; Ctrl-C ends it, and it can be continued)"

    def worker_died(self, worker: str, reason: str, retired: bool) -> str:
        """A worker has died while the study runs; a retired one is not started again."""
        then = "it cannot be started and is left out" if retired else "its unfinished work is done again"
        return f"{worker} died: {reason}; {then}"

    def interrupted_trials(self, trials: Sequence[tuple[int, int | None, int | None]]) -> str:
        """Where trials that were interrupted go on: (trial, step that is saved, steps in all)."""
        parts = [
            f"trial {trial} begins again" if saved is None else f"trial {trial} goes on after {_step(saved, total)}"
            for trial, saved, total in trials
        ]
        return f"interrupted: {'; '.join(parts)}"

    def running_trial(
        self,
        trial: int,
        *,
        phase: str,
        done: float,
        step: int | None,
        loss: float | None,
        saved_step: int | None,
        total_steps: int | None,
        silent_seconds: float | None,
    ) -> str:
        """How far a running trial is, and from where it would resume after a kill."""
        parts = [f"{phase} {100 * done:.0f} %"] if phase else []
        parts += [_step(step, total_steps)] if step is not None else []
        parts += [f"loss {loss:.3g}"] if loss is not None else []
        parts += [f"saved at step {saved_step}"] if saved_step is not None else []
        parts += [f"last heard of {silent_seconds:.0f} s ago"] if silent_seconds is not None else []
        return f"  trial {trial}: {', '.join(parts) or 'has begun'}"

    # run

    def bar_study(self) -> str:
        """Label of the study's bar."""
        return "study"

    def bar_left(self) -> str:
        """Label of the time left."""
        return "left"

    def bar_trial(self, trial: int, phase: str) -> str:
        """Label of a trial's bar; phase is "train", "score" or "judge"."""
        return f"trial {trial} {phase}"

    def wave_line(self, number: int, kind: RoundKind, part: int, trials: int) -> str:
        """A wave begins."""
        which = f", part {part}" if part > 1 else ""
        return f"round {number} ({ROUNDS[kind]}{which}): {plural(trials, 'trial')}"

    def trial_line(
        self, trial: int, purpose: Purpose, factor: str | None, accuracy: float | None, on_test: bool, ending: str
    ) -> str:
        """A trial has finished; `ending` says how, if it did not complete."""
        what = PURPOSES[purpose] + (f", {self.factor(factor)}" if factor else "")
        scored = "" if accuracy is None else self.measured(accuracy) + (" on the test split" if on_test else "")
        return f"trial {trial} ({what}): {' '.join(filter(None, [scored, ending]))}"

    def trial_ending(self, state: TrialState, step: int | None, reason: str) -> str:
        """How a trial ended that did not complete."""
        at = "" if step is None else f" at step {step}"
        return f"{self.state(state)}{at}{f' ({reason})' if reason else ''}"

    def demo_begins(self, trials: int, model: str, file: str) -> str:
        """First line of the demo."""
        return f"tunebook demo: {trials} trials on {model}, study file {file}"

    def phase_reading(self) -> str:
        """Data and model are being read."""
        return "reading the data and the model"

    def phase_converting(self) -> str:
        """The built-in model is brought into a form that can be loaded."""
        return "converting the built-in model, once for all studies: some 15 seconds"

    def phase_converted(self, done: int, total: int, seconds: float) -> str:
        """How far that is: tensors that are done and all of them, 0 and 0 before the file is read."""
        how_far = f"{done} of {total} tensors" if total else "reading its tokenizer and the list of its tensors"
        return f"still converting, for {seconds:.0f} s: {how_far}"

    def phase_measuring(self) -> str:
        """The machine is being measured."""
        return "measuring this machine, once for all studies with this model: some 20 seconds (--no-measure skips it)"

    def phase_measured_for(self, seconds: float) -> str:
        """The measurement goes on."""
        return f"still measuring, for {seconds:.0f} s; on a busy machine loading the model takes longest"

    def phase_writing(self) -> str:
        """The record is being written."""
        return "writing the record"

    def phase_stopping(self) -> str:
        """A signal was received."""
        return "stopping after the running step; a second Ctrl-C stops at once"

    def phase_ignores_interrupts(self, kill: str, stop: str) -> str:
        """At the start of a run whose parent made it ignore SIGINT."""
        return (
            "Ctrl-C (SIGINT) does nothing to this run: whatever started it, nohup or a shell's background job, had it "
            f"ignored. To end it after the running step: {stop}, or {kill}"
        )

    def stop_asked(self) -> str:
        """A whole run was asked to end."""
        return "The run ends after its running step, within seconds; `tunebook run` goes on from there."

    def stop_of_trial_asked(self, trial: int) -> str:
        """A trial was asked to end."""
        return f"trial {trial}: will be cancelled within seconds where the study runs, else when it is run next."

    def phase_retrying(self, ids: Sequence[int]) -> str:
        """Failed trials are tried again, if there are any."""
        return (
            f"trying again: {self.trials_named(ids)}" if ids else "no trial has failed: there is nothing to try again"
        )

    def phase_final(self, rows: int) -> str:
        """The final training begins."""
        return f"training the recommended configuration on all {rows} rows"

    def final_note(self, more_rows: bool) -> str:
        """What the final training does and does not show."""
        if more_rows:
            return (
                "The configuration was chosen on a part of the rows; that it is also the best on all of them is not "
                "known. This is one training with one seed."
            )
        return "The study used all training rows already. This is one further training with a fresh seed."

    def code_to_confirm(self) -> str:
        """The heading of the list of programs and metrics named in the study file."""
        return "This study runs code with your rights that you have not confirmed, or that has changed since:"

    def trust_question(self) -> str:
        """The question below that list."""
        return "Do you trust it?"

    def refused_untrusted(self) -> str:
        """The user answered no."""
        return "nothing was started. Read the code that the study file names, then repeat the command."

    def stopped(self, command: str) -> str:
        """After Ctrl-C."""
        return f"Stopped; everything finished is kept. Go on with: {command}"

    def at_price(self, price: float) -> str:
        """The price of device time, behind that time."""
        return f", price {price:,.2f}"

    def own_added(self, changes: str, seeds: int) -> str:
        """A configuration was added by the user."""
        return f"Added: {changes}; {plural(seeds, 'new seed')}, compared with the baseline in a round of its own."

    def own_begins(self, command: str, is_running: bool) -> str:
        """When trials that were added begin."""
        if is_running:
            return "The study is running: they begin after its present round."
        return f"They begin with: {command}"

    def other_language(self, command: str) -> str:
        """The record was written in another language than the study's."""
        return f"The record stands here in place of that in the study's own language. {command} writes that one again."

    def remark_kept(self, trial: int) -> str:
        """A note or tags of a trial were kept."""
        return (
            f"Kept with trial {trial}; the record shows it when it is written next (`tunebook report` writes it now)."
        )

    def failed_trials(self, ids: Sequence[int], command: str) -> str:
        """The trials that failed, at the end of a run."""
        return (
            f"Could not be trained: {self.trials_named(ids)}; the record says why. Once the cause is fixed: {command}"
        )

    def wrote(self, file: str, commands: Sequence[str], part: tuple[int, int] | None = None) -> str:
        """After `init`: what to do next. `part`: the rows that are trained on, where not all are, and all of them."""
        rows = f" It trains on {part[0]:,} of the {part[1]:,} rows (`train_rows`), to save time." if part else ""
        return f"Wrote {file}.{rows} Next: {', then '.join(commands)}"

    # rerun

    def reproduction(self, r: Reproduction) -> str:
        """Whether a trial that was trained again reproduces."""
        difference = f"likelihoods differ by at most {r.largest_loss_difference or 0:.1e} (relative)"
        if r.bit_for_bit:
            text = f"Trial {r.trial} reproduces bit for bit ({plural(r.n_examples, 'example')}, the adapter too)."
        elif r.reproduces:
            text = f"Trial {r.trial} reproduces: the same {r.n_examples} answers; {difference}."
        elif r.states[0] is not r.states[1]:
            text = f"Trial {r.trial} differs: it was {self.state(r.states[0])}, now it is {self.state(r.states[1])}."
        else:
            text = f"Trial {r.trial} differs: {r.answers_differ} of {r.n_examples} answers; {difference}."
        if r.adapter_equal is False:
            text += " Its adapter differs from the one that is kept."
        if r.changed_versions:
            text += f" Changed since the study was created: {self.changed_pairs(r.changed_versions)}."
        return text

    # compare

    def compared_side(self, name: str, what: str, ids: Sequence[int]) -> str:
        """What the user typed and the trials that it stands for; a trial's number is not repeated."""
        named = self.trials_named(ids)
        return f"{name}: {named}" if what == trial_list(ids) else f"{name}: {what} ({named})"

    def compared_on(self, split: str, n: int) -> str:
        """The split on which two sides are compared, with its number of examples."""
        return f"On the {split} split, {plural(n, 'example')}."

    def compared_changes(self, changes: Mapping[str, tuple[Any, Any]]) -> str:
        """The factors on which two configurations differ: name to (B's value, A's value)."""
        if not changes:
            return "A and B are the same configuration: what differs is chance."
        parts = [f"{self.setting(name, a)} instead of {self.alone(name, b)}" for name, (b, a) in changes.items()]
        return f"A differs from B in: {self.comma.join(parts)}."

    def compared_both(self, ids: Sequence[int]) -> str:
        """Trials that are on both sides."""
        return f"Counted on both sides, which makes the difference smaller than it is: {self.trials_named(ids)}."

    def compared_counts(self, won: int, lost: int) -> str:
        """The number of examples on which each side is better."""
        return f"On {won} examples A is better, on {lost} B; on the others they are equal."

    def compared_p(self, p: float) -> str:
        """The p-value, with a remark that it is outside the study's error rate."""
        return f"{p_phrase(p)}; a comparison of its own, outside the study's planned questions: exploratory."

    def compared_mcnemar(self, p: float) -> str:
        """The test of two single trials."""
        return f"Exact McNemar test of these two trials alone, without the noise between seeds: {p_phrase(p)}."

    def compared_disagree(self) -> str:
        """Accuracy and loss disagree."""
        return f"{self.measure[:1].upper()}{self.measure[1:]} and loss point in different directions."

    def compared_groups(self) -> str:
        """The heading of the differences by group."""
        return f"By group, in {self.unit} (a family of its own):"

    def compared_examples(self, shown: int, total: int) -> str:
        """Above the examples on which A and B differ."""
        return f"Examples on which they differ ({shown} of {total}):"

    def compared_example(self, index: int, prompt: str, gold: str, a: str, b: str) -> str:
        """One of them, with the answers of each side's first trial."""
        return f"  {index}: {prompt} | gold: {gold} | A: {a} | B: {b}"

    def compared_nothing(self) -> str:
        """One side has no outcomes."""
        return "Nothing can be compared: one side has no trained trial with outcomes."

    # export

    def merged_from_quantised(self, quantization: str) -> str:
        """What a model merged from a quantised base is not."""
        return (
            f"the base model's weights were kept in {quantization}: the adapter was added to these, given back in full "
            "precision, not to the original model. Quantised again, the merged model answers otherwise than the "
            "study's."
        )

    def exported_accuracy(self, accuracy: float, interval: tuple[float, float]) -> str:
        """The accuracy, for the comment in an exported configuration."""
        return f"Validation {self.measure} {self.accuracy(accuracy, interval)}, corrected for having been chosen."
