"""A phrase in English for each code of the core, the engines and the planner."""

from __future__ import annotations

from tunebook.core.study import Purpose, RoundKind, TrialState

__all__ = [
    "BROKEN_WAYS",
    "CONTROL_WARNINGS",
    "CUTS",
    "ENDINGS",
    "FOLDS",
    "GOALS",
    "NOTES",
    "NOT_REFINED",
    "NO_ROUND",
    "PLUGIN_KINDS",
    "PURPOSES",
    "REASONS",
    "ROUNDS",
    "WARNINGS",
]  # fmt: skip

GOALS = {
    RoundKind.REFERENCE: "What do the untrained model and the commonest answer score?",
    RoundKind.TABLE: "What do the configurations of the given table score against the baseline?",
    RoundKind.PILOT: "At which learning rate does anything learn, and where does training break?",
    RoundKind.EXPLORE: "Which settings matter at all, and where is the useful range?",
    RoundKind.REFINE: "Where near the best so far is something better?",
    RoundKind.COMBINE: "Do the changes that helped add up, or do they interact?",
    RoundKind.BOUNDARY: "How far can it be pushed before it breaks or stops paying?",
    RoundKind.CONFIRM: "Does it hold with fresh seeds, on examples never used before?",
    RoundKind.OWN: "What do the trials that you added score against the baseline?",
}
ROUNDS = {
    RoundKind.REFERENCE: "reference",
    RoundKind.TABLE: "the given table",
    RoundKind.PILOT: "pilot",
    RoundKind.EXPLORE: "explore",
    RoundKind.REFINE: "refine",
    RoundKind.COMBINE: "combine",
    RoundKind.BOUNDARY: "boundary",
    RoundKind.CONFIRM: "confirm",
    RoundKind.OWN: "your own trials",
}
PURPOSES = {
    Purpose.REFERENCE: "reference",
    Purpose.BASELINE: "baseline",
    Purpose.PILOT: "pilot",
    Purpose.FIRST_RATE: "pilot",
    Purpose.DESIGN: "balanced design",
    Purpose.LEVEL: "one factor",
    Purpose.BRACKET: "choosing a rate",
    Purpose.CHOSEN: "at the chosen rate",
    Purpose.TABLE: "given table",
    Purpose.REFINE: "refine",
    Purpose.COMBINE: "combine",
    Purpose.BOUNDARY: "boundary",
    Purpose.CONFIRM: "confirm",
    Purpose.OWN: "added by you",
}
ENDINGS = {
    TrialState.PLANNED: "not started yet",
    TrialState.RUNNING: "still running",
    TrialState.COMPLETED: "completed",
    TrialState.DIVERGED: "diverged",
    TrialState.COLLAPSED: "collapsed",
    TrialState.FAILED: "could not be trained",
    TrialState.CANCELLED: "cancelled",
    TrialState.STOPPED: "stopped early",
}
FOLDS = {
    "batch_split": "The same effective batch: the same mathematics.",
    "gradient_checkpointing": "Gradient checkpointing changes memory and time, not the result.",
    "max_length": "No example is longer than {longest}.",
    "rslora": "rsLoRA is another way to write this alpha.",
    "warmup": "A constant schedule has no warm-up: another name for the same schedule.",
    "checkpoint": "A checkpoint of a longer trial: trained once, scored twice.",
}
CUTS = {
    "bracket_ends": "the ends of the learning-rate bracket",
    "bracket": "the learning-rate bracket",
    "middle_levels": "levels in the middle",
    "minor_boundary": "the boundary",
    "second_seeds": "second seeds",
    "baseline_seeds": "seeds of the baseline",
    "end_levels": "levels at the ends",
    "factors": "all levels",
    "rows": "rows of the given table",
    "cheapest": "the cheapest configuration's place in the confirmation",
    "confirm_seeds": "seeds of the confirmation",
}
REASONS = {
    "non_finite_loss": "the loss was no longer a number",
    "non_finite_gradient": "the gradient was no longer a number",
    "loss_rose": "the training loss stayed above 1.5 times its start",
    "worse_than_untrained": "after training the validation loss was above the untrained model's",
    "constant_answer": "one constant answer on more than 90 % of the examples",
    "unparsable_answers": "no usable answer on more than 90 % of the examples",
    "by_user": "by the user",
    "by_planner": "by the planner",
}
NO_ROUND = {
    "": "had no open question, or did not fit the budget",
    "budget": "did not fit what was left of the budget",
    "nothing_to_ask": "had no open question",
}

NOT_REFINED = {
    "not_explored": "not explored",
    "no_effect_seen": "no effect was seen",
    "no_level_helped": "no level was shown to help",
    "no_room_between_levels": "there is no room between its levels",
}
WARNINGS = {
    "treatment_trials_failed": "Some of its trials failed or were cancelled; the finding goes without them.",
    "no_outcomes": "There are no outcomes to compare.",
    "one_seed": "One seed: described, not tested.",
    "exploratory": "Outside the study's error rate.",
    "unequal_noise": "This configuration's seeds differ more than the others'; it is judged by its own noise.",
    "uneven_noise": "Some configurations' seeds differ far more than others'; intervals are wider for it.",
    "correlated_examples": "Neighbouring examples are correlated; the interval allows for that.",
    "alpha_over_r_constant": "alpha/r is constant: rank and alpha cannot be told apart.",
    "treatment_replicates_diverged": "The estimate covers only the seeds that trained.",
}
CONTROL_WARNINGS = {
    "control_trials_failed": "Some trials of {control} failed or were cancelled; comparisons with it go without them.",
    "control_diverged": "Most trials of {control} did not train.",
    "control_unequal_noise": "The seeds of {control} differ more than the others'; it is judged by its own noise.",
    "control_replicates_diverged": "Comparisons with {control} cover only those of its seeds that trained.",
}
NOTES = {
    "study_changed": "After round {round} the study file was changed: {changes}. What was judged before keeps what it "
    "was judged with.",
    "cohort_split": "A cohort did not fit in memory and was split; the results are the same.",
    "scoring_split": "A batch of scored examples did not fit in memory and was halved; the results are the same.",
    "out_of_memory": "A micro-batch did not fit in memory and was made smaller; the effective batch stayed the same.",
    "retried": "{trials} had failed and were tried again. Rounds from whose results others had been planned by then "
    "keep the findings that were judged without these trials.",
    "worker_died": "A worker process died ({worker}: {reason}); its unfinished work was done again.",
    "worker_retired": "A worker process could not be started and was left out ({worker}: {reason}).",
    "no_device_free": "No device was free for more than a minute; the study waited.",
    "fewer_together": "The machine's memory ran out; from then on {worker} trained at most {most_together} at once. "
    "The results are the same.",
    "trial_resumed": "{trials} went on from a checkpoint after an interruption; the result is the same as without one.",
}
SERVICE_FAILURES = {
    "timeout": "timeout",
    "no connection": "no connection",
    "reply without a grade": "reply without a grade",
    "reply too long": "reply too long",
    "no chat completion in the reply": "reply of another form",
}
"""By the kinds of `evaluation.chat_service` and `judge_request`; others ("HTTP 503") are told as they are."""
PLUGIN_KINDS = {
    "metric": "metric",
    "planner": "planner",
    "engine": "engine",
    "executor": "executor",
    "trackers": "tracker",
}
"""By the study file's key."""
BROKEN_WAYS = {
    "diverged": "diverged",
    "collapsed": "collapsed",
    "learned_nothing": "learned nothing",
}
"""How a trial ended that did not train; see `core.divergence.how_it_ended`."""
