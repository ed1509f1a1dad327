"""A finished study made by hand from core types, deterministic, for the record's tests.

It holds one of everything that the record must show: a baseline with seeds, one factor at a time, a learning-rate
bracket with its claim, folded settings, a checkpoint, a diverged, a collapsed and a failed trial, refine, combine,
boundary and confirm on a test split, groups, suspects, text that tries to break out of its place. The accuracies come
from a response surface; the findings are computed here in the simplest way (normal intervals), because the record only
has to repeat them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor
from tunebook.core.facts import (
    Cost,
    Curve,
    DataFacts,
    EvaluationRecord,
    ExampleText,
    History,
    Outcomes,
    StepRecord,
    StudyFacts,
    TrialFact,
)
from tunebook.core.findings import (
    BestConfiguration,
    CheapestAsGood,
    Confirmation,
    DivergenceBracket,
    Finding,
    Importance,
    Interaction,
    MoreMoney,
    Noise,
    RateTried,
    StudyFindings,
    SweetSpot,
    Verdict,
)
from tunebook.core.ports import Calibration
from tunebook.core.space import Folding, SearchSpace, effective
from tunebook.core.study import (
    ERROR_SHARES,
    Budget,
    ChosenRate,
    ContrastKind,
    Cut,
    DataSpec,
    Fold,
    Purpose,
    RoundKind,
    StudySpec,
    Trial,
    TrialState,
    Wave,
)
from tunebook.testing.sample_study import RecordInputs

LONGEST = 96
BASELINE = Configuration(
    learning_rate=2e-4,
    per_device_train_batch_size=2,
    gradient_accumulation_steps=4,
    num_train_epochs=3,
    lora_r=8,
    lora_alpha=32,
    lora_dropout=0.1,
    max_length=512,
)
LABELS = ("billing", "delivery", "refund", "other")
HOSTILE = (
    '<script>document.title="owned"</script>',
    '=HYPERLINK("http://x")',
    "| a | b |\n\n# no heading",
    "</script><script>document.title='owned'</script>",
    "\x1b[31mred\x07",
    "`code` **bold** [link](http://x)",
    "<img src=x onerror=\"document.title='owned'\">",
    "<!-- comment",
    "line one\nline two",
)


def study_spec(language: str = "en") -> StudySpec:
    """The study's question."""
    return StudySpec(
        name="ticket routing",
        model="smollm2",
        metric="exact_match",
        language=language,
        budget=Budget(trials=60),
        design="one_factor",
        data=DataSpec(
            train="train.jsonl", validation="validation.jsonl", test="test.jsonl", group="label", train_rows=500
        ),
        baseline=BASELINE,
        baseline_given=tuple(
            n
            for n in BASELINE.as_dict()
            if n
            not in (
                "gradient_checkpointing",
                "lr_scheduler_type",
                "warmup_steps",
                "weight_decay",
                "target_modules",
                "use_rslora",
                "init_lora_weights",
            )
        ),
        space=SearchSpace(
            (
                Factor("learning_rate", low=5e-5, high=2e-3),
                Factor("lora_r", (8, 16, 32)),
                Factor("lora_dropout", (0.0, 0.1)),
                Factor("num_train_epochs", (3, 4, 5)),
                Factor("per_device_train_batch_size", (1, 2)),
                Factor("max_length", (512, 768)),
            )
        ),
    )


def examples(n: int, split: str, rng: np.random.Generator) -> tuple[ExampleText, ...]:
    """Tickets with a label; the first few try to break out of wherever they are shown."""
    out = []
    for i in range(n):
        label = LABELS[int(rng.choice(4, p=[0.4, 0.3, 0.2, 0.1]))]
        prompt = HOSTILE[i] if split == "validation" and i < len(HOSTILE) else f"Ticket {i}: my {label} is late. Kind:"
        out.append(ExampleText(i, prompt, label, label))
    return tuple(out)


def truth(c: Configuration) -> float:
    """Accuracy of a configuration on an endless test set; learning rate matters most, best at 7e-4."""
    rate = math.log10(c.learning_rate / 7e-4)
    return (
        0.72
        - 0.16 * rate**2
        + 0.012 * math.log2(c.lora_r / 8)
        + 0.012 * (c.num_train_epochs - 3)
        - 0.02 * (c.lora_dropout - 0.05)
    )


def breaks(c: Configuration, seed: int) -> bool:
    """Whether training breaks: above 3.5e-3, at a rate that differs a little between seeds."""
    return c.learning_rate > 3.5e-3 * (1 + 0.15 * math.sin(12.9 * seed))


class Maker:
    """Adds waves of trials one after another, with outcomes from the response surface."""

    def __init__(self, n_validation: int, n_test: int, steps: int) -> None:
        rng = np.random.default_rng(7)
        self.texts = {"validation": examples(n_validation, "validation", rng), "test": examples(n_test, "test", rng)}
        self.hardness = {split: rng.random(len(texts)) for split, texts in self.texts.items()}
        self.steps, self.facts, self.waves, self.findings = steps, {}, [], []
        self.next_id, self.next_seed = 1, 100

    def reference(self) -> None:
        c = BASELINE.with_values(num_train_epochs=0)
        trial = Trial(
            id=0, round=0, kind=RoundKind.REFERENCE, purpose=Purpose.REFERENCE, configuration=c, effective=c, seed=0
        )
        rng = np.random.default_rng(0)
        n = len(self.texts["validation"])
        outcomes = Outcomes((rng.random(n) < 0.21).astype(float), rng.gamma(4, 1, n), ("I think it is billing",) * n)
        self.facts[0] = TrialFact(
            trial=trial, state=TrialState.COMPLETED, outcomes={"validation": outcomes}, cost=Cost(score_seconds=4.0)
        )
        self.waves.append(Wave(round=0, kind=RoundKind.REFERENCE, number=1, trials=(trial,)))

    def row(
        self,
        number: int,
        kind: RoundKind,
        purpose: Purpose,
        c: Configuration,
        seeds: int,
        splits: tuple[str, ...] = ("validation",),
        factor: str | None = None,
        **extra: object,
    ) -> tuple[int, ...]:
        """Trials of one configuration; gives their ids."""
        ids = []
        for _ in range(seeds):
            e = effective(c, Folding.everything(), LONGEST)
            trial = Trial(
                id=self.next_id,
                round=number,
                kind=kind,
                purpose=purpose,
                configuration=c,
                effective=e,
                seed=self.next_seed,
                splits=splits,
                factor=factor,
                **extra,
            )
            self.facts[trial.id] = self.train(trial)
            ids.append(trial.id)
            self.next_id += 1
            self.next_seed += 1
        return tuple(ids)

    def train(self, trial: Trial) -> TrialFact:
        rng = np.random.default_rng(trial.seed)
        c = trial.effective
        total = self.steps * c.num_train_epochs
        broke = breaks(c, trial.seed)
        end = int(total * 0.22) if broke else total
        accuracy = truth(c) + 0.009 * rng.standard_normal()
        outcomes = {}
        if not broke:
            outcomes = {split: self.score(split, accuracy, rng) for split in trial.splits}
        cost = Cost(
            train_seconds=round(22 * c.num_train_epochs * (end / total) * (1 + c.lora_r / 400), 2),
            score_seconds=3.5,
            raw_tokens=43_000 * c.num_train_epochs,
            computed_tokens=29_000 * c.num_train_epochs,
            peak_bytes=1_400_000_000 + 9_000_000 * c.lora_r,
            adapter_bytes=230_000 * c.lora_r,
        )
        state = TrialState.DIVERGED if broke else TrialState.COMPLETED
        return TrialFact(
            trial=trial,
            state=state,
            outcomes=outcomes,
            curve=self.curve(c, end, total, broke, accuracy, rng),
            cost=cost,
            diverged_step=end if broke else None,
            reason="loss_rose" if broke else None,
        )

    def score(self, split: str, accuracy: float, rng: np.random.Generator) -> Outcomes:
        hard = self.hardness[split]
        ability = 0.75 * hard + 0.25 * rng.random(len(hard))
        right = ability < np.quantile(ability, accuracy)
        texts = self.texts[split]
        wrong = [LABELS[(LABELS.index(t.gold) + 1) % 4] for t in texts]
        answers = tuple(t.gold if ok else w for t, ok, w in zip(texts, right, wrong, strict=True))
        nll = np.where(right, 0.15, 1.7) + rng.gamma(2, 0.05, len(hard))
        return Outcomes(right.astype(float), nll, answers)

    def curve(
        self, c: Configuration, end: int, total: int, broke: bool, accuracy: float, rng: np.random.Generator
    ) -> Curve:
        per_epoch = self.steps
        steps, evaluations = [], []
        for step in range(1, end + 1):
            share = step / total
            loss = 0.35 + 1.6 * math.exp(-step * c.learning_rate * 60) + 0.05 * rng.standard_normal()
            if broke and step > end - 7:
                loss = 2.0 * 1.35 ** (step - end + 7)
            steps.append(
                StepRecord(step, step / per_epoch, max(0.05, loss), c.learning_rate * (1 - share), 1 + rng.random())
            )
            if step % per_epoch == 0 and not broke:
                epoch = step / per_epoch
                evaluations.append(
                    EvaluationRecord(
                        step,
                        epoch,
                        "validation",
                        0.9 - 0.6 * accuracy + 0.3 * math.exp(-epoch) + 0.02 * max(0, epoch - 3) ** 2,
                        None if epoch < c.num_train_epochs else accuracy,
                    )
                )
        return Curve(tuple(steps), tuple(evaluations))

    def wave(self, number: int, kind: RoundKind, **extra: object) -> None:
        trials = tuple(f.trial for f in self.facts.values() if f.trial.round == number)
        self.waves.append(Wave(round=number, kind=kind, number=1, trials=trials, **extra))

    def key(self, ids: tuple[int, ...]) -> str:
        return self.facts[ids[0]].trial.effective.key

    def compare(
        self,
        label: str,
        a: tuple[int, ...],
        b: tuple[int, ...],
        kind: ContrastKind = ContrastKind.DIFFERENCE,
        split: str = "validation",
        factor: str | None = None,
        width: float = 2.9,
        family: str = "main",
    ) -> None:
        """A finding with a normal interval, `width` standard errors to each side."""
        trial = self.facts[a[0]].trial
        used = [i for i in a if self.facts[i].state is TrialState.COMPLETED]
        common = {
            "label": label,
            "factor": factor,
            "kind": kind,
            "split": split,
            "round": trial.round,
            "round_kind": trial.kind,
            "treatment_key": self.key(a),
            "control_key": self.key(b),
            "control_trials": b,
            "alpha": ERROR_SHARES[trial.kind],
            "family": family,
        }
        if not used:
            nan = math.nan
            self.findings.append(
                Finding(
                    treatment_trials=(),
                    effect=nan,
                    interval=(nan, nan),
                    plain_interval=(nan, nan),
                    p_raw=nan,
                    p_adjusted=nan,
                    standard_error=nan,
                    degrees_of_freedom=nan,
                    verdict=Verdict.DIVERGED,
                    **common,
                )
            )
            return
        mask = np.array([family in ("main", f"group:{t.group}") for t in self.texts[split]])
        ya, yb = (np.mean([self.facts[i].outcomes[split].scores[mask] for i in ids], axis=0) for ids in (used, b))
        d = ya - yb
        se = math.sqrt(d.var(ddof=1) / len(d) + 0.009**2 * (1 / len(used) + 1 / len(b)))
        effect = float(d.mean())
        low, high = effect - width * se, effect + width * se
        margin = 0.03
        verdict = Verdict.BETTER if low > 0 else Verdict.WORSE if high < 0 else Verdict.INCONCLUSIVE
        if kind is ContrastKind.NON_INFERIORITY:
            verdict = Verdict.NOT_INFERIOR if low > -margin else Verdict.INCONCLUSIVE
        needed = int(len(d) * (width * se / effect) ** 2) if effect and verdict is Verdict.INCONCLUSIVE else None
        self.findings.append(
            Finding(
                treatment_trials=tuple(used),
                effect=effect,
                interval=(low, high),
                plain_interval=(effect - 1.96 * se, effect + 1.96 * se),
                p_raw=math.erfc(abs(effect) / se / math.sqrt(2)),
                p_adjusted=min(1.0, 8 * math.erfc(abs(effect) / se / math.sqrt(2))),
                standard_error=se,
                degrees_of_freedom=31.0,
                verdict=verdict,
                loss_effect=-1.5 * effect,
                loss_interval=(-1.5 * effect - 0.05, -1.5 * effect + 0.05),
                examples_needed=needed if needed is not None and needed < 20 * len(d) else None,
                warnings=("alpha_over_r_constant",) if factor == "lora_r" else (),
                **common,
            )
        )


def make(n_validation: int = 600, n_test: int = 1000, steps: int = 40, language: str = "en") -> RecordInputs:
    """A finished study: what the record's writers take."""
    m = Maker(n_validation, n_test, steps)
    m.reference()
    baseline = _explore(m)
    best = _later_rounds(m, baseline)
    return _finish(m, baseline, best, language)


def _explore(m: Maker) -> tuple[int, ...]:
    kind = RoundKind.EXPLORE
    baseline = m.row(1, kind, Purpose.BASELINE, BASELINE, 5)
    for rate in (5e-5, 6e-4, 2e-3):
        ids = m.row(1, kind, Purpose.LEVEL, BASELINE.with_values(learning_rate=rate), 2, factor="learning_rate")
        m.compare(f"learning_rate={rate:g}", ids, baseline, factor="learning_rate")
    r32 = BASELINE.with_values(lora_r=32, lora_alpha=128)
    for rate in (1e-4, 2e-4, 6e-4):
        m.row(1, kind, Purpose.BRACKET, r32.with_values(learning_rate=rate), 1, factor="lora_r")
    ids = m.row(1, kind, Purpose.CHOSEN, r32.with_values(learning_rate=6e-4), 2, factor="lora_r")
    m.compare("lora_r=32", ids, baseline, factor="lora_r")
    for name, level in (("lora_dropout", 0.0), ("num_train_epochs", 4)):
        ids = m.row(1, kind, Purpose.LEVEL, BASELINE.with_values(**{name: level}), 2, factor=name)
        m.compare(f"{name}={level}", ids, baseline, factor=name)
    folds = tuple(
        Fold(c, m.key(baseline), (why,), 2, factor)
        for c, why, factor in (
            (
                BASELINE.with_values(per_device_train_batch_size=1, gradient_accumulation_steps=8),
                "batch_split",
                "per_device_train_batch_size",
            ),
            (BASELINE.with_values(max_length=768), "max_length", "max_length"),
        )
    )
    m.wave(
        1,
        kind,
        folds=folds,
        cuts=(Cut("middle_levels", 2, ("lora_r",)),),
        chosen_rates=(ChosenRate("lora_r", None, 6e-4),),
    )
    return baseline


def _later_rounds(m: Maker, baseline: tuple[int, ...]) -> tuple[int, ...]:
    for rate in (4e-4, 9e-4):
        ids = m.row(
            2, RoundKind.REFINE, Purpose.REFINE, BASELINE.with_values(learning_rate=rate), 2, factor="learning_rate"
        )
        m.compare(f"learning_rate={rate:g}", ids, baseline, factor="learning_rate")
    m.wave(2, RoundKind.REFINE)
    together = BASELINE.with_values(learning_rate=6e-4, lora_r=32, lora_alpha=128, num_train_epochs=4)
    best = m.row(3, RoundKind.COMBINE, Purpose.COMBINE, together, 2)
    m.compare("combined", best, baseline)
    m.wave(3, RoundKind.COMBINE)
    for rate in (2.5e-3, 4.4e-3, 7e-3):
        ids = m.row(
            4, RoundKind.BOUNDARY, Purpose.BOUNDARY, together.with_values(learning_rate=rate), 2, factor="learning_rate"
        )
        if rate != 2.5e-3:
            m.compare(f"learning_rate={rate:g}", ids, baseline, factor="learning_rate")
    failed = m.row(4, RoundKind.BOUNDARY, Purpose.BOUNDARY, together.with_values(lora_r=512, lora_alpha=2048), 1)
    m.facts[failed[0]] = replace(
        m.facts[failed[0]],
        state=TrialState.FAILED,
        outcomes={},
        curve=Curve(),
        cost=Cost(),
        reason="out of memory: needed 9.1 GiB; set per_device_train_batch_size: 1",
    )
    m.wave(4, RoundKind.BOUNDARY)
    sealed = [
        m.row(5, RoundKind.CONFIRM, Purpose.CONFIRM, c, 3, ("test",))
        for c in (together, BASELINE.with_values(learning_rate=6e-4), BASELINE)
    ]
    m.compare("best", sealed[0], sealed[2], split="test")
    m.compare("cheapest", sealed[1], sealed[0], ContrastKind.NON_INFERIORITY, split="test")
    m.compare("best against cheapest", sealed[0], sealed[1], split="test")
    m.wave(5, RoundKind.CONFIRM)
    for group in LABELS:
        m.compare("best", best, baseline, family=f"group:{group}", width=2.5)
    return best


def _finish(m: Maker, baseline: tuple[int, ...], best: tuple[int, ...], language: str) -> RecordInputs:
    spec = study_spec(language)
    groups = tuple(t.group or "" for t in m.texts["validation"])
    facts = StudyFacts(
        data=DataFacts(
            n_train=500,
            n_validation=len(m.texts["validation"]),
            n_test=len(m.texts["test"]),
            longest_tokens=LONGEST,
            mean_tokens=71.5,
            groups=groups,
            commonest_share=max(groups.count(g) for g in set(groups)) / len(groups),
        ),
        examples=m.texts,
        hashes={"train": "a" * 64},
        summary={"rows_read": 8200},
        model={"name": "SmolLM2-135M-Instruct", "revision": "0.1.2", "parameters": 134515008, "dtype": "float32"},
        environment={
            "device": "cpu",
            "device_name": "Test processor, 2 cores",
            "memory_bytes": 16 * 2**30,
            "system": "Linux 6.8",
            "python": "3.12.4",
            "versions": {"tunebook": "0.1.0", "torch": "2.13.0", "peft": "0.21.2"},
        },
    )
    spent = sum(f.cost.train_seconds + f.cost.score_seconds for f in m.facts.values())
    keys = {f.trial.effective.key for f in m.facts.values() if f.trial.purpose is not Purpose.REFERENCE}
    accuracies = {k: _accuracy(m, k) for k in sorted(keys)}
    test = [f for f in m.findings if f.split == "test"]
    cheap_key = test[1].treatment_key
    best_key, base_key = m.key(best), m.key(baseline)
    raw = accuracies[best_key][0]
    conclusions = StudyFindings(
        noise=Noise(
            seed_deviation=0.009,
            degrees_of_freedom=31.0,
            from_prior=False,
            smallest_detectable_effect={"explore": 0.043, "refine": 0.045, "combine": 0.044, "confirm": 0.028},
            smallest_margin=0.034,
            loss_deviation=0.02,
        ),
        findings=tuple(m.findings),
        accuracies=accuracies,
        best=BestConfiguration(
            key=best_key,
            trials=best,
            raw=raw,
            corrected=raw - 0.011,
            corrected_interval=(raw - 0.05, raw + 0.026),
            chosen_by="confirmed",
        ),
        tie_set=(best_key, cheap_key, *(f.treatment_key for f in m.findings if f.round == 2)),
        cheapest=CheapestAsGood(
            cheap_key if test[1].verdict is Verdict.NOT_INFERIOR else None,
            cheap_key,
            None if test[1].verdict is Verdict.NOT_INFERIOR else -test[1].interval[0],
            0.7,
        ),
        importance=(
            Importance(
                factor="learning_rate",
                share=0.81,
                rank=1,
                rank_interval=(1, 1),
                first_share=0.98,
                ranked=True,
                nothing_above=0.01,
                levels=(5e-5, 2e-4, 6e-4, 2e-3),
            ),
            Importance(
                factor="lora_r",
                share=0.07,
                rank=2,
                rank_interval=(2, 3),
                first_share=0.02,
                ranked=True,
                nothing_above=0.02,
                levels=(8, 32),
            ),
            Importance(
                factor="num_train_epochs",
                share=0.02,
                rank=3,
                rank_interval=(2, 4),
                first_share=0.0,
                ranked=False,
                nothing_above=0.031,
                levels=(3, 4),
            ),
            Importance(
                factor="lora_dropout",
                share=0.0,
                rank=4,
                rank_interval=(3, 4),
                first_share=0.0,
                ranked=False,
                nothing_above=0.029,
                levels=(0.0, 0.1),
            ),
        ),
        interactions=(
            Interaction(("learning_rate", "lora_r"), True, -0.012, (-0.05, 0.026)),
            Interaction(("lora_r", "num_train_epochs"), False),
        ),
        sweet_spots=(SweetSpot("learning_rate", 4.1e-4, 9.4e-4, 6.6e-4, True), SweetSpot("lora_r", 8, 32, 32, False)),
        boundary=DivergenceBracket(
            rates=(RateTried(2.5e-3, 2, 2), RateTried(4.4e-3, 0, 2, ("diverged",))),
            held_at=2.5e-3,
            failed_at=4.4e-3,
            highest_trained=2.5e-3,
            lowest_failed=4.4e-3,
            trials=tuple(i for i, f in m.facts.items() if f.trial.round == 4 and f.state is not TrialState.FAILED),
            how="diverged",
        ),
        confirmation=Confirmation(
            outcome="held",
            trained={"best": (5, 5), "cheapest": (5, 5), "baseline": (5, 5)},
            endings=(),
            keys={"best": best_key, "cheapest": cheap_key, "baseline": base_key},
            accuracies={
                r: float(np.mean([m.facts[i].outcomes["test"].accuracy for i in ids]))
                for r, ids in (
                    ("best", test[0].treatment_trials),
                    ("cheapest", test[1].treatment_trials),
                    ("baseline", test[0].control_trials),
                )
            },
            intervals={"best": (0.70, 0.78), "cheapest": (0.68, 0.76), "baseline": (0.62, 0.70)},
            gain=test[0].effect,
            gain_interval=test[0].interval,
            n_examples=len(m.texts["test"]),
        ),
        more_money=MoreMoney(
            half_width=0.023,
            extra_trials=12,
            half_width_with_trials=0.0205,
            extra_examples=300,
            half_width_with_examples=0.016,
            split="test",
        ),
    )
    history = History(
        waves=tuple(m.waves),
        trials=m.facts,
        spent_seconds=spent,
        sealed={"best": best_key, "cheapest": cheap_key, "baseline": base_key},
        findings=tuple(m.findings),
    )
    notes: list[tuple[str, dict]] = [
        ("calibration", asdict(MEASURED)),
        ("versions_changed", {"torch": "2.12.1 to 2.13.0"}),
        *_timeline(m),
    ]
    return RecordInputs(spec, facts, history, conclusions, notes)


MEASURED = Calibration(
    train_tokens_per_second=4000.0,
    score_examples_per_second=30.0,
    one_by_one_tokens_per_second=900.0,
    base_bytes=700 * 2**20,
    trial_bytes=14 * 2**20,
    device="cpu",
)


def _accuracy(m: Maker, key: str) -> tuple[float, float, float]:
    scores = [
        f.outcomes["validation"].accuracy
        for f in m.facts.values()
        if f.trial.effective.key == key and "validation" in f.outcomes
    ]
    mean = float(np.mean(scores)) if scores else math.nan
    return mean, mean - 0.037, mean + 0.037


def _timeline(m: Maker) -> list[tuple[str, dict]]:
    clock, out = 0.0, []
    for number in sorted({f.trial.round for f in m.facts.values()} - {0}):
        facts = [f for f in m.facts.values() if f.trial.round == number and f.cost.train_seconds]
        slots = [clock] * 8
        for f in facts:
            slot = int(np.argmin(slots))
            start = slots[slot]
            slots[slot] = start + 2.2 * f.cost.train_seconds
            out.append(
                (
                    "trial_span",
                    {"trial": f.trial.id, "cohort": number, "slot": slot, "start": start, "end": slots[slot]},
                )
            )
        clock = max(slots)
    return out


def unfinished(after_round: int = 1) -> RecordInputs:
    """The same study looked at while the next round is running."""
    spec, facts, history, conclusions, notes = make(n_validation=120, n_test=50, steps=12)
    trials = {
        i: (f if f.trial.round <= after_round else TrialFact(trial=f.trial))
        for i, f in history.trials.items()
        if f.trial.round <= after_round + 1
    }
    waves = tuple(w for w in history.waves if w.round <= after_round + 1)
    findings = tuple(f for f in conclusions.findings if f.round <= after_round and f.family == "main")
    history = replace(history, waves=waves, trials=trials, sealed={}, findings=findings)
    conclusions = replace(
        conclusions,
        findings=findings,
        best=None,
        cheapest=None,
        confirmation=None,
        boundary=None,
        tie_set=(),
        interactions=(),
        sweet_spots=(),
        more_money=None,
    )
    return RecordInputs(spec, facts, history, conclusions, notes)
