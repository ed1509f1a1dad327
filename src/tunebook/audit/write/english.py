"""The audit in English: sentences for readers without statistics that a statistician finds no fault with."""

from __future__ import annotations

from typing import ClassVar

from tunebook.audit.judge.verdicts import SupportVerdict
from tunebook.audit.write.words import AuditShared
from tunebook.words.english.common import EnglishShared
from tunebook.words.english.labels import FACTORS

__all__ = ["EnglishAudit"]


class EnglishAudit(EnglishShared, AuditShared):
    """One language of an audit."""

    stop = "."
    more = " and {n} more"
    factor_names: ClassVar = {**FACTORS, "effective_batch_size": "effective batch size", "table": "table"}
    counted: ClassVar = {
        "example": ("1 example", "{n} examples"),
        "trial": ("1 trial", "{n} trials"),
        "claim": ("1 claim", "{n} claims"),
        "place": ("1 place", "{n} places"),
        "degree": ("1 degree of freedom", "{n} degrees of freedom"),
        "comparison": ("1 comparison", "{n} comparisons"),
        "configuration": ("1 configuration", "{n} configurations"),
        "sentence": ("1 sentence that claims something was", "{n} sentences that claim something were"),
        "cell": ("1 cell was", "{n} cells were"),
        "holds": ("1 holds", "{n} hold"),
        "depends_on_pairing": ("1 depends on how the examples pair", "{n} depend on how the examples pair"),
        "not_after_correction": ("1 does not hold after correction", "{n} do not hold after correction"),
        "cannot_hold": ("1 cannot hold under any pairing", "{n} cannot hold under any pairing"),
        "not_shown": ("1 is not shown by these trials", "{n} are not shown by these trials"),
        "unchecked": ("1 could not be checked", "{n} could not be checked"),
    }
    verdicts: ClassVar = {
        SupportVerdict.HOLDS: "holds",
        SupportVerdict.DEPENDS: "depends on the pairing",
        SupportVerdict.NOT_CORRECTED: "not after correction",
        SupportVerdict.CANNOT_HOLD: "cannot hold under any pairing",
        SupportVerdict.NOT_SHOWN: "not shown",
        SupportVerdict.UNCHECKED: "not checked",
    }
    told: ClassVar = {
        **verdicts,
        SupportVerdict.HOLDS: "yes",
        SupportVerdict.CANNOT_HOLD: "under no pairing",
        SupportVerdict.NOT_SHOWN: "the runs yes, the settings not shown",
    }
    labels: ClassVar = {
        "title": "Audit of",
        "answer": "Answer",
        "fact": "What",
        "value": "Found",
        "baseline": "Baseline",
        "the_baseline": "the baseline",
        "trials": "Trials",
        "examples": "Test examples",
        "one_trial": "One trial's 95 % interval",
        "noise": "Seed noise",
        "tied": "Not told from the best",
        "claims": "Claim by claim",
        "line": "Line",
        "claim": "Claim",
        "verdict": "Verdict",
        "why": "Why",
        "unread_claims": "Sentences that claim something and were not read",
        "against": "Each trial against the baseline",
        "trial": "Trial",
        "differs": "Differs in",
        "right": "Right",
        "accuracy": "Accuracy (95 %)",
        "difference": "Difference",
        "difference_points": "Difference (points)",
        "p": "p, adjusted",
        "told": "Told apart from chance?",
        "same": "The same training more than once",
        "factors": "Each factor",
        "factor": "Factor",
        "levels": "Levels",
        "pairs": "Pairs differing in it alone",
        "widest": "Largest difference among them",
        "confounded": "What this record cannot separate",
        "boundary": "Where training broke",
        "disagree": "Where the record disagrees with itself",
        "next": "What to train next",
        "new": "New or again",
        "cost": "Cost",
        "method": "How it was judged",
        "reading": "How it was read",
        "no_pair": "none",
        "block": "(the best-configuration block)",
        "again": "again:",
        "is_new": "new",
        "failed": "failed",
        "a_failure": "a failure",
        "unread": "(not read)",
        "nothing": "nothing that acts",
        "same_as": "same training as",
        "one_factor": "One factor",
        "several": "Several factors",
        "trials_csv": "As a file for a study's `trials:`",
        "trials_csv_part": "As a file for a study's `trials:`, without settings that a study does not take, such as "
        "half "
        "an epoch",
        "colon": ":",
        "above": "above",
        "below": "below",
        "or": " or ",
    }
    says: ClassVar = {
        "points": "{x} points",
        "of_examples": "{k} of {n} examples",
        # the opening
        "tally": "Of {claims} in the record's text that were read, {parts}.",
        "no_claims": "No claim in words was read; each of the {trials} is held against the baseline instead.",
        "trial_tally": "Of {trials} with a result and other settings, {real} can be told from the "
        "baseline{names}{depends}{runs}.",
        "none": "none",
        "which_failed": ", which failed",
        "tally_depends": "; for {n} ({names}) it depends on which examples were right",
        "tally_runs": "; {n} ({names}) differ as runs, but one seed each does not show that the settings do",
        "best": "The best, {best} ({a}), is {gap} ahead of {baseline} ({b})",
        "best_unknown": "; whether that is more than chance cannot be said without the number of examples.",
        "best_order": "; of this measure only the order can be audited, not whether it is more than chance.",
        "best_too_small": ": even in the most favourable pairing of the examples {p}, so no pairing supports it.",
        "best_corrected": ": in the most favourable pairing {p} by itself, but {adjusted} after correction for the "
        "{n} trials "
        "that it was picked from.",
        "best_holds": ". That holds: adjusted {p} even for unrelated outcomes.",
        "best_seed": ". The two runs differ, but one seed each does not show that the settings are the reason.",
        "best_pairing": ". Whether that is more than chance depends on which examples each got right: adjusted p "
        "between "
        "{low} and {high}.",
        "baseline_is_best": "No trial scored higher than {name}.",
        "could_see": "What it could have shown: differences of {low} points or more in the most favourable pairing, "
        "{high} "
        "points if the outcomes of two trials are unrelated (power 80 %, {comparisons}); for one comparison fixed "
        "beforehand {one_low} and {one_high} points; as a statement about settings, with the noise of one seed on each "
        "side, {seed} points.",
        "nothing": "no",
        "unknown_none": "The number of test examples cannot be inferred: no whole number fits all accuracies.",
        "unknown": "The number of test examples cannot be inferred: {n} is the smallest that fits, but with these "
        "decimals "
        "unrelated accuracies would fit some number as small with probability {luck}.",
        "unknown_stated": "The text says {n} examples, which these accuracies do not fit.",
        "give_examples": "Give it with --examples; until then only directions and the plan of the trials are checked.",
        "needed": "Best against baseline could hold only with at least {n} examples.",
        "disagreements": "The record disagrees with itself in {places}.",
        # facts
        "how_given": "{n}, as given",
        "how_fractions": "{n}, from the fractions in the table",
        "how_stated": "{n}, as the text says",
        "how_inferred": "{n}: the smallest number of which every accuracy is a whole fraction at the printed precision",
        "alternatives": " ({others} would fit too; for twice as many, every count would have to be even, chance "
        "{chance})",
        "means": "; results are means over {seeds} seeds, so whole fractions of {seeds} × {n}",
        "misfits": ". No whole number of them: {names}; these were rounded to the nearest",
        "slack": ". At the printed precision each count may be off by {slack}, which the bounds allow for",
        "contradicted_n": ". The text says {n}, which the accuracies contradict",
        "first_row": " (the first row; none is named)",
        "failed_fact": "; failed: {names}",
        "unread_fact": "; settings not read: {names}",
        "interval_fact": "{name}: {interval}, about ±{half} points",
        "noise_prior": "no settings were trained twice, so it is not measured; a stated prior is used: standard "
        "deviation "
        "{used} points",
        "noise": "standard deviation {measured} points from {degrees}{interval}; with the prior: {used} points",
        "noise_interval": " (95 %: {low} to {high})",
        "noise_wide": " (95 %: {low} to {high}, so wide that it says little)",
        "tied_fact": "{names}: not even in the most favourable pairing, one comparison alone",
        # why
        "pair_gap": "{a} against {b}: {gap}.",
        "pair_gaps": "{n} pairs differ in this alone ({listed}): together {total}.",
        "pair_more": " and {n} more",
        "significant": "Adjusted {p} even for unrelated outcomes.",
        "pairing": "Adjusted p between {low} (most favourable pairing) and {high} (unrelated outcomes).",
        "too_small": "In the most favourable pairing {p}.",
        "corrected": "In the most favourable pairing {p} by itself, {adjusted} after correction for {comparisons}.",
        "seed_noise": "The two runs differ (adjusted {p} even for unrelated outcomes), but one seed each, with a "
        "seed noise of "
        "{used} points, does not show that the settings are the reason (adjusted {seed}).",
        "contradicted": "The table has it the other way round.",
        "mixed_signs": "The pairs disagree in sign.",
        "no_difference": "The table has no difference.",
        "same_training": "{a} and {b} are the same training (equal effective settings), so their difference is chance.",
        "changes_nothing": "True without a test: {factor}, as it was varied here, does not change the mathematics.",
        "confounded": "No two trials differ in {factor} alone.",
        "confounded_levels": "No trial at {factor} {levels} and none at {against} differ in it alone.",
        "confounded_any": "No pair of trials isolates it.",
        "also": "{a} against {b} also differs in {factors}.",
        "edge_open": "It fails somewhere above {trained} and up to {failed}; where in between is not shown.",
        "all_failed": "All {n} there failed ({names}), and one pair differs in this alone. From {n} runs it follows "
        "only that "
        "at least {share} of runs fail there (95 %).",
        "failed": "{name} did not train, which needs no test.",
        "worked": "Trained there all the same: {names}.",
        "open_side": "Nothing was tried on one side of the range.",
        "mixed_runs": "Trained there: {worked}; failed: {names}.",
        "absence": "That no difference was found does not show that there is none{interval}.",
        "absence_interval": ": as unrelated samples, anything from {low} to {high} points fits",
        "difference_found": "There is a difference, and it holds.",
        "order_unknown": "The largest difference in {factor} alone may be real, but that it exceeds those of the "
        "other factors "
        "is another comparison, which these trials cannot carry.",
        "not_best": "{higher} scored higher than {name}.",
        "no_trial": "No trial of the tables fits the sentence.",
        "not_varied": "{factor} is not in the tables, or has one level only.",
        "examples_unknown": "Whether that is more than chance cannot be said without the number of examples.",
        "no_share": "Of {measure} only the order can be audited; the table agrees with the sentence.",
        "other_result": "{measure} says otherwise, but {others} bears it out; the sentence does not say which it "
        "means.",
        "agrees": "The table agrees in direction.",
        # sections
        "equal": "{names} have the same effective settings{counts}: they are one training with different chance, and "
        "their "
        "difference is a free measure of the noise.",
        "equal_short": "If no training example is longer than {tokens} tokens, {names} are the same training "
        "too{counts}{spread}.",
        "right_counts": " ({counts} right)",
        "spread": "; then chance alone made {spread} examples, no less than the {gain} between best and baseline",
        "ratio_constant": "alpha/r is {ratio} in every trial. What changed with the rank is the rank at this ratio; "
        "the effect "
        "of alpha cannot be told from it.",
        "ratio_unknown": "The rank was varied, but alpha is not recorded: whether alpha/r moved with it is unknown.",
        "one_to_one": "{a} and {b} always changed together; nothing tells their effects apart.",
        "not_isolated": "No two trials compare {factor} {levels} with the baseline's level and nothing "
        "else{companions}.",
        "companions": ": {factors} changed as well every time",
        "break_one": "Failure {side} {factor} {trained_level} rests on one trial, {failed} ({failed_level}), one seed.",
        "break_many": "{n} trials failed {side} {factor} {trained_level} ({names}), the nearest at {failed_level}.",
        "break_moves": "Between {trained} ({trained_level}, trained) and {failed} ({failed_level}, failed) {n} "
        "things changed: "
        "{factors}. Which of them broke it is not known.",
        "break_alone": "{trained} ({trained_level}, trained) and {failed} ({failed_level}, failed) differ in this "
        "alone.",
        "break_clean": "The nearest pair that differs in {factor} alone is {trained} ({trained_level}, trained) and "
        "{failed} "
        "({failed_level}, failed): with their other settings the edge lies between.",
        "break_no_clean": "No pair of a trained and a failed trial differs in {factor} alone.",
        "next": "The cheapest trials that would answer what is open: {configurations}, in all {cost} times one "
        "training of the "
        "baseline for each seed (by epochs alone).",
        "settle": "More seeds do not replace examples: for the difference seen between best and baseline it takes "
        "{low} "
        "examples in the most favourable pairing and {high} if outcomes are unrelated (power 80 %, this one "
        "comparison).",
        "why_baseline": "more seeds: the noise, and a fair comparison for all others",
        "why_best": "more seeds: is it better at all?",
        "why_boundary_factor": "{factor} {level} with the settings that trained: does it break by itself?",
        "why_boundary_again": "another seed: does it break again?",
        "why_boundary_rest": "{factor} {level} with the other settings of the failed trial: do they break without it?",
        "why_alpha": "{factor} {level} by itself: rank and alpha apart",
        "why_level": "{factor} {level} by itself",
        "why_claim": "{factor} {level} by itself, as the text claims",
        "why_pair": "another seed: its difference from the baseline depends on the pairing",
        "method_bounds": "Two trials were scored on the same examples, and the record does not say which. So each "
        "difference is "
        "bounded: most favourable pairing, every example on which they differ counts for the higher one (exact McNemar "
        "test, two-sided; D examples give p = 2^(1-D)); unrelated outcomes, as if each had its own examples (Fisher's "
        "exact test, two-sided; for sums over pairs and means over seeds the normal approximation).",
        "method_verdicts": "Cannot hold: not even the first bound is below 0.05, or the table has the other sign in "
        "every pair "
        "that the sentence means. Not after correction: the first bound is below 0.05 by itself, and not among as many "
        "comparisons. Depends on the pairing: the first bound is below 0.05, the second is not; no half yes, for it "
        "comes "
        "up in nearly every record in which nothing matters. Holds: the second is too, also with seed noise added. Not "
        "shown: no trials of this record isolate it, or one seed each is too few. No verdict says that there is no "
        "difference.",
        "method_families": "Adjusted for many comparisons: trials against the baseline by Holm's method over "
        "{family}, both "
        "bounds. Pairs picked by a claim or a factor: the first bound by Holm over the pairs judged, the second by "
        "Bonferroni over all {pairs} pairs of trials with different settings that could have been picked.",
        "method_noise": "Seed noise: {used} points, the measured variance weighed with a prior of {prior} points "
        "worth {degrees}. "
        "It only ever keeps a claim from holding.",
        # how it was read
        "read_result": "{header} is the result ({kind})",
        "kind_share": "share of right answers",
        "kind_score": "a score, higher is better: order only",
        "kind_loss": "lower is better: order only",
        "read_factors": "settings: {names}",
        "read_others": "other results: {names}",
        "read_place": "place in the ranking: {names}",
        "read_labels": "labels: {names}",
        "read_unused": "not used: {names}",
        "read_ambiguous": "two columns stand for one setting, and are kept apart: {names}",
        "read_line": "Table on line {line}: {parts}.",
        "unread_cells": "{cells} not read and not used:",
        "unread_cell": 'line {line}, {trial}, {column}: "{cell}" ({why})',
        "unread_sentences": "{sentences} not read; they are listed below.",
        "mend": "Where this is wrong: --columns 'Header=factor' names a column, --examples N gives the number of "
        "examples.",
        "unread_cut": "and {n} more",
        "why_range": "a range",
        "why_about": "an approximate number",
        "why_limit": "a limit",
        "why_comma": "comma: decimals or thousands?",
        "why_power": "a power or a footnote mark?",
        "why_words": "not a number by itself",
        "why_scale": "a share among per cents?",
        "why_size": "cannot be this quantity",
        "why_blank": "blank: as above, as the baseline, or nothing?",
        "why_pointer": "points to another trial",
        "why_memory": "out of memory says nothing of the training",
        "why_status": "the run did not finish",
        "assumed": "Blank settings were taken from the baseline in {trials}.",
        "baseline_unsaid": "The record does not give {factors} of the baseline ({trial}). A trial that names one is "
        "taken to "
        "differ from it there.",
        "table_skipped": "The table on line {line} has results but nothing that names settings ({columns}); it was "
        "left out.",
        "results_apart": "The table on line {line} has results and no settings ({columns}), and its labels are not "
        "those of a "
        "table of settings; it was left out.",
        "settings_apart": "The table on line {line} has settings and no results, and its labels are not those of the "
        "results; it "
        "was left out. If it gives settings of these trials, pairs said to differ in one factor may differ in more.",
        "other_results": "The table on line {line} holds other results ({column}) and was left out.",
        "tables_joined": "The results on line {line} were joined with the settings on line {settings} by label.",
        "grid_spread": "The table on line {line} is a grid of {factors}: each cell is one trial.",
        "planned_rows": "Still to come, and no trials: {trials} (table on line {line}).",
        "reference_row": "{trial} (line {line}) is the model without training, and no trial.",
        "blanks_above": "Blank and merged settings in the table on line {line} were taken from the row above.",
        "blanks_baseline": "Blank settings in the table on line {line} were taken from the baseline.",
        "spread_unused": "Results are given with ±, and the text does not say over how many seeds. The number "
        "behind it is not used, and what stands before it is taken for one run.",
        "numbers_restart": "The tables each number from the start; 2.1 is number 1 of the second table.",
        "rows_numbered": "The table on line {line} has no column of labels; its rows are numbered from 1.",
        "decoded": "The file is not UTF-8; it was read as {encoding}.",
        "claims_cut": "Only the first {limit} claims were judged.",
        # where the record disagrees with itself
        "missing_numbers": "Numbers missing from the table: {numbers}.",
        "renumbered": '"{section}" (line {line}) numbers its trials differently from the full table; by settings and '
        "results, text first: {pairs}.",
        "renumbered_pair": "{a} is {b}",
        "repeated_settings": "{trial} is given again on line {line} with other settings; the first was used.",
        "repeated_result": "{trial} is given again on line {line} with the same settings and another result ({text}, "
        "before "
        "{table}); the first was used.",
        "only_in_text": "In a round's table but not in the full table: {trials}.",
        "not_in_text": "In the full table but in no round's table: {trials}.",
        "result_differs": "{trial} (line {line}): the round says {text}, the full table {table}.",
        "settings_differ": "{trial} (line {line}): {settings}.",
        "setting_differs": "{factor} {text} in the text, {table} in the table",
        "described_short": "{trial} (line {line}) is described by {named} alone, but in the full table it also "
        "differs from "
        "{reference} in {undeclared}.",
        "described_fits": "Only what is named differs from {fits}.",
        "said_differs": "{trial} (line {line}): the text says {text}, the table {table}.",
        "said_gap_differs": "{trial} against {reference} (line {line}): the text says {said}, the accuracies give "
        "{points} points.",
        "difference_wrong": "{trial} (line {line}): the column of differences says {said}; the accuracies give "
        "{points} points, "
        "{relative} % of the baseline's.",
        "differences_unread": "The column of differences (line {line}) does not fit the baseline's accuracy in "
        "{trials}; it may "
        "compare with another trial.",
        "best_block_no_trial": "The best configuration (line {line}) is none of the trials.",
        "best_block_settings": "The best configuration (line {line}) names {trial}, but has {settings}.",
        "best_block_result": "The best configuration (line {line}) says {text}; the table has {table} for {trial}.",
        "best_block_not_best": "The best configuration (line {line}) is {trial}, but {best} scored higher.",
    }
