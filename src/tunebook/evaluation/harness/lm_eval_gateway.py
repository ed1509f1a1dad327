"""All that is asked of lm_eval: the one module that imports it.

`RequestRows` stands where lm_eval expects a model. It encodes requests as lm_eval's own model for transformers (`hf`)
does, and keeps them; nothing is computed here.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import datasets
import lm_eval.api.task
import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean
from lm_eval.api.model import TemplateLM
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.utils import has_bos_prefix, normalize_gen_kwargs, postprocess_generated_text
from lm_eval.tasks import TaskManager
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from tunebook.core.harness_metric import AskedModel

__all__ = [
    "ConfigurableTask",
    "Instance",
    "RequestRows",
    "cut_at_stops",
    "generation_settings",
    "instances_of",
    "is_mean",
    "load_task",
    "results_of",
    "task_folder",
    "version_text",
]

SEED = 1234
"""lm_eval's own default, for the choice of solved examples."""
ANSWER_TOKENS = 256
"""The longest answer where neither task nor study says one; that of lm_eval's `hf`."""

logging.getLogger("lm_eval").setLevel(logging.ERROR)
lm_eval.api.task.tqdm = partial(lm_eval.api.task.tqdm, disable=True)  # its bars would run through ours

Pair = tuple[tuple[int, ...], tuple[int, ...]]
"""Token ids of a context and of what follows it."""


def version_text() -> str:
    """The installed version."""
    return version("lm_eval")


def task_folder() -> Path:
    """Where the package keeps its own tasks."""
    return Path(lm_eval.tasks.__file__).parent


class RequestRows(TemplateLM):  # type: ignore[misc]
    """Encodes requests."""

    def __init__(self, model: AskedModel) -> None:
        super().__init__()
        self._model, self.tokenizer = model, model.tokenizer
        self._pairs: list[Pair] = []

    @property
    def eot_token_id(self) -> int:
        return int(self.tokenizer.eos_token_id)

    @property
    def prefix_token_id(self) -> int:
        first = self.tokenizer.bos_token_id
        return self.eot_token_id if first is None else int(first)

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        special = {} if add_special_tokens is None else {"add_special_tokens": add_special_tokens}
        if add_special_tokens is None and has_bos_prefix(string, self.tokenizer.decode(self.prefix_token_id)):
            special = {"add_special_tokens": False}
        ids: list[int] = self.tokenizer.encode(string, **special)
        return ids

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        text: str = self.tokenizer.apply_chat_template(
            chat_history,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=not add_generation_prompt,
        )
        return text

    def pairs(self, instance: Instance) -> list[Pair]:
        """What has to be run for a request: one pair, or several windows of a long text. Of an answer that is to be
        generated the second part is empty."""
        if instance.request_type == "generate_until":
            return [(tuple(self.tok_encode(instance.args[0])), ())]
        if instance.request_type == "loglikelihood_rolling":
            return self.loglikelihood_rolling([instance])
        self.loglikelihood([instance], disable_tqdm=True)
        return self._pairs

    def _loglikelihood_tokens(self, requests: Any, **_: Any) -> list[tuple[float, bool]]:
        self._pairs = [(tuple(context), tuple(rest)) for _, context, rest in requests]
        return [(0.0, False)] * len(self._pairs)

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[Pair]:
        ids = self.tok_encode(requests[0].args[0])
        longest = self._model.context_tokens or len(ids) + 1
        windows = get_rolling_token_windows(ids, self.prefix_token_id, longest, 1)
        return [(tuple(context), tuple(rest)) for context, rest in map(make_disjoint_window, windows)]

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        raise NotImplementedError("answers come from tunebook's engines")


def load_task(name: str, folder: Path, overrides: dict[str, Any]) -> Any:
    """The task of that name below a folder, with some of its settings replaced. Runs the task's own functions and reads
    its documents; raises whatever they raise."""
    with _quiet(), _seeded():
        manager = TaskManager(include_path=str(folder), include_defaults=False)
        loaded = manager.load([{"group": "tunebook", "task": [{"task": name, **overrides}]}])
    return loaded["tasks"][name]


def instances_of(task: Any, split: str, model: AskedModel) -> tuple[RequestRows, list[Instance]]:
    """Every request of a split of the task, in order, and what encodes them."""
    lm = RequestRows(model)
    task.config.test_split = split  # what lm_eval scores, and keeps a document's own solution out of its examples for
    task.set_fewshot_seed(SEED)
    with _quiet(), _seeded():
        task.build_all_requests(
            system_instruction=model.system,
            apply_chat_template=bool(model.tokenizer.chat_template),
            fewshot_as_multiturn=True,
            chat_template=lm.apply_chat_template if model.tokenizer.chat_template else None,
        )
    return lm, list(task.instances)


def results_of(
    task: Any, instances: Sequence[Instance], responses: Sequence[Any], filter_name: str
) -> Iterator[tuple[int, Callable[[], dict[str, Any]]]]:
    """The task's own numbers of each document, as lm_eval's evaluator asks for them; each is computed when called."""
    for instance, response in zip(instances, responses, strict=True):
        instance.resps, instance.filtered_resps = [response] * instance.repeats, {}
    task._instances = list(instances)
    task.apply_filters()
    by_document: dict[int, list[Instance]] = {}
    for instance in instances:
        by_document.setdefault(instance.doc_id, []).append(instance)
    for index, asked in by_document.items():
        asked.sort(key=lambda each: each.idx)
        filtered = [each.filtered_resps[filter_name] for each in asked]
        yield index, partial(task.process_results, asked[0].doc, filtered)


def is_mean(aggregation: Any) -> bool:
    """Whether a task's result is the mean over its documents."""
    return aggregation is mean


def generation_settings(settings: dict[str, Any]) -> tuple[list[str], int, bool]:
    """Texts that end an answer, its longest length in tokens, and whether it is drawn by chance."""
    known = normalize_gen_kwargs(settings, ANSWER_TOKENS)
    until = known.get("until") or []
    return [until] if isinstance(until, str) else list(until), int(known["max_gen_toks"]), bool(known.get("do_sample"))


def cut_at_stops(text: str, until: list[str]) -> str:
    """An answer up to the first of the texts that end it."""
    cut: str = postprocess_generated_text(text, until, None)
    return cut


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the bars of `datasets`."""
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


@contextmanager
def _seeded() -> Iterator[None]:
    """Tasks that shuffle or draw give the same documents every time, as lm_eval sees to; nobody else's numbers move."""
    kept, kept_numpy = random.getstate(), np.random.get_state()
    random.seed(0)
    np.random.seed(SEED)
    try:
        yield
    finally:
        random.setstate(kept)
        np.random.set_state(kept_numpy)
