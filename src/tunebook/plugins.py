"""What can be named in a study file: metrics, planners, engines, executors and trackers, ours and other packages'.

Ours are listed in the tables below as "module:attribute" and are imported when they are named. Those of another
package are its entry points in the group `tunebook.metrics`, `tunebook.planners`, ...; a built-in name is never taken
over. A plugin that cannot be imported is reported with name, package and error when it is asked for, and does not
affect the others.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tunebook.core.ports import EngineEntry
from tunebook.errors import StudyFileError
from tunebook.phrases import Phrase

if TYPE_CHECKING:
    from tunebook.core.harness_metric import HarnessMetric
    from tunebook.core.metric import Metric
    from tunebook.core.ports import ExecutorFactory, PlannerFactory, TrackerFactory

__all__ = [
    "ENGINES",
    "EXECUTORS",
    "GROUPS",
    "HARNESSES",
    "METRICS",
    "OWN_PACKAGE",
    "PLANNERS",
    "TRACKERS",
    "Plugin",
    "PluginGroup",
    "harness_of",
    "is_simulated",
]

T = TypeVar("T")
OWN_PACKAGE = "tunebook"


@dataclass(frozen=True, order=True)
class Plugin:
    """One thing that can be named in a study file.

    Attributes:
        group: "tunebook.metrics", ...
        name: as in the study file.
        reference: "module:attribute" that gives it.
        package, version: the distribution that it comes with; no version for tunebook's own.
    """

    group: str
    name: str
    reference: str
    package: str = OWN_PACKAGE
    version: str = ""

    def load(self) -> Any:
        """Import it; raises whatever importing raises."""
        module, _, attribute = self.reference.partition(":")
        return attrgetter(attribute)(importlib.import_module(module))


class PluginGroup(Generic[T]):
    """The plugins of one kind.

    Args:
        key: the study file's key that names one of them.
        group: the entry points' group.
        built_in: name to "module:attribute".
        fits: whether what was loaded is of this kind.
        rule: what it has to be, for the message when it does not fit.
        also: what may be written instead of an installed name.
        takes_argument: whether the name may be followed by a colon and an argument, which the plugin reads itself.
    """

    def __init__(
        self,
        key: str,
        group: str,
        built_in: Mapping[str, str],
        fits: Callable[[Any], bool],
        rule: str,
        also: str = "",
        takes_argument: bool = False,
    ) -> None:
        self.key, self.group = key, group
        self._built_in, self._fits, self._rule, self._also = built_in, fits, rule, also
        self._takes_argument = takes_argument

    @cached_property
    def plugins(self) -> tuple[Plugin, ...]:
        """Ours in the order of the table, then those of other packages by name; looked up once."""
        ours = (Plugin(self.group, name, reference) for name, reference in self._built_in.items())
        return (*ours, *sorted(_as_plugin(each) for each in entry_points(group=self.group)))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that can be asked for."""
        return tuple(dict.fromkeys(plugin.name for plugin in self.plugins))

    def origin(self, name: str) -> Plugin | None:
        """Where the plugin of that name comes from; None: it is not installed, or a user's own function."""
        return next((plugin for plugin in self.plugins if plugin.name == name), None)

    def is_own(self, name: str) -> bool:
        """Whether the plugin of that name is tunebook's; not so for a user's own function."""
        plugin = self.origin(name)
        return plugin is not None and plugin.package == OWN_PACKAGE

    def load(self, name: str) -> T:
        """The plugin of that name.

        Raises: StudyFileError: there is none, two packages bring it, it cannot be imported, or it is of another kind.
        """
        plugin = self._find(name.partition(":")[0] if self._takes_argument else name)
        try:
            loaded: T = plugin.load()
        except (Exception, SystemExit) as error:  # importing another package's module may raise anything
            failed = Phrase("importing it failed with {kind}: {error}", kind=type(error).__name__, error=error)
            raise self._unusable(plugin, failed) from error
        if not self._fits(loaded):
            seen, rule = f"{loaded!r:.80}", Phrase(self._rule)
            raise self._unusable(
                plugin, Phrase("{where} is {seen}, not {rule}", where=plugin.reference, seen=seen, rule=rule)
            )
        return loaded

    def trouble(self, plugin: Plugin) -> Phrase | None:
        """Why a plugin of another package cannot be used, as one sentence, or None. Imports it."""
        try:
            self.load(plugin.name)
        except StudyFileError as error:
            return error.phrase
        own = Phrase("{key} {name} is tunebook's own", key=self.key, name=plugin.name)
        return own if plugin.name in self._built_in else None

    def _find(self, name: str) -> Plugin:
        if name in self._built_in:
            return Plugin(self.group, name, self._built_in[name])
        found = [plugin for plugin in self.plugins if plugin.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise self._refusal(
                'found "{name}", which is in the packages {packages}; one name means one thing. Uninstall one of them.',
                name=name,
                packages=", ".join(plugin.package for plugin in found),
            )
        raise self._refusal(
            'found "{name}"; installed are {names}{also}. Correct the name, or install the package that brings it.',
            name=name,
            names=", ".join(self.names),
            also=Phrase(self._also),
        )

    def _unusable(self, plugin: Plugin, what: Phrase) -> StudyFileError:
        return self._refusal(
            'found "{name}" of package {package}; {what}. Upgrade or fix that package, or name another one.',
            name=plugin.name,
            package=f"{plugin.package} {plugin.version}",
            what=what,
        )

    def _refusal(self, template: str, **values: object) -> StudyFileError:
        return StudyFileError("{key}: {problem}", key=self.key, problem=Phrase(template, **values))


def _as_plugin(point: EntryPoint) -> Plugin:
    package = point.dist
    name, release = (package.name, package.version) if package is not None else ("unknown", "")
    return Plugin(point.group, point.name, f"{point.module}:{point.attr}", name, release)


ENGINES: PluginGroup[EngineEntry] = PluginGroup(
    "engine",
    "tunebook.engines",
    {
        "packed": "tunebook.engines.entries:PACKED",
        "peft": "tunebook.engines.entries:PEFT",
        "command": "tunebook.engines.entries:COMMAND",
        "simulated": "tunebook.engines.entries:SIMULATED",
        "recorded": "tunebook.engines.entries:RECORDED",
    },
    lambda loaded: isinstance(loaded, EngineEntry),
    "a core.ports.EngineEntry",
)
METRICS: PluginGroup[Callable[..., Metric]] = PluginGroup(
    "metric",
    "tunebook.metrics",
    {
        "exact_match": "tunebook.evaluation.text:ExactMatch",
        "choice": "tunebook.evaluation.text:Choice",
        "number": "tunebook.evaluation.text:Number",
        "contains": "tunebook.evaluation.text:Contains",
        "macro_f1": "tunebook.evaluation.classification:MacroF1",
        "micro_f1": "tunebook.evaluation.classification:MicroF1",
        "weighted_f1": "tunebook.evaluation.classification:WeightedF1",
        "balanced_accuracy": "tunebook.evaluation.classification:BalancedAccuracy",
        "matthews": "tunebook.evaluation.classification:Matthews",
        "token_f1": "tunebook.evaluation.overlap:TokenF1",
        "squad_exact": "tunebook.evaluation.overlap:SquadExact",
        "bleu": "tunebook.evaluation.overlap:Bleu",
        "chrf": "tunebook.evaluation.overlap:ChrF",
        "rouge_l": "tunebook.evaluation.overlap:RougeL",
        "edit_similarity": "tunebook.evaluation.overlap:EditSimilarity",
        "length": "tunebook.evaluation.overlap:Length",
        "pass@1": "tunebook.evaluation.code:PassAt1",
        "perplexity": "tunebook.evaluation.likelihood:Perplexity",
        "json_valid": "tunebook.evaluation.structured:JsonValid",
        "json_fields": "tunebook.evaluation.structured:JsonFields",
        "mae": "tunebook.evaluation.regression:MeanAbsoluteError",
        "spearman": "tunebook.evaluation.regression:Spearman",
        "judge": "tunebook.evaluation.judge:Judge",
    },
    callable,
    "a class or function that gives a core.metric.Metric",
    also="; or it is module:function",
)
HARNESSES: PluginGroup[Callable[..., HarnessMetric]] = PluginGroup(
    "metric",
    "tunebook.harnesses",
    {"lm_eval": "tunebook.evaluation.harness.lm_eval_task:LmEvalTask"},
    callable,
    "a class or function that gives a core.harness_metric.HarnessMetric",
    takes_argument=True,
)
PLANNERS: PluginGroup[PlannerFactory] = PluginGroup(
    "planner",
    "tunebook.planners",
    {"rounds": "tunebook.planning.planner:StudyPlanner", "optuna": "tunebook.planning.planner:SampledPlanner"},
    callable,
    "a core.ports.PlannerFactory",
    also="; optuna takes a sampler's name: optuna:TPESampler",
    takes_argument=True,
)
EXECUTORS: PluginGroup[ExecutorFactory] = PluginGroup(
    "executor",
    "tunebook.executors",
    {
        "local": "tunebook.executors.entries:local",
        "inline": "tunebook.executors.entries:inline",
        "ray": "tunebook.executors.entries:ray",
    },
    callable,
    "a core.ports.ExecutorFactory",
    also="; ray takes the number of its workers: ray:8",
    takes_argument=True,
)
TRACKERS: PluginGroup[TrackerFactory] = PluginGroup(
    "trackers",
    "tunebook.trackers",
    {"tensorboard": "tunebook.record.tensorboard:TensorBoardTracker"},
    callable,
    "a core.ports.TrackerFactory",
)
GROUPS: tuple[PluginGroup[Any], ...] = (METRICS, HARNESSES, PLANNERS, ENGINES, EXECUTORS, TRACKERS)


def harness_of(metric: str) -> str | None:
    """The evaluation harness whose task a metric is, by its name alone; None: it is no task."""
    name, colon, _ = metric.partition(":")
    return name if colon and name in HARNESSES.names else None


def counts_words(engine: str) -> bool:
    """Whether an engine brings no model and so no tokenizer: lengths are then in words."""
    try:
        return not ENGINES.load(engine).needs_model
    except StudyFileError:  # its package is no longer installed
        return False


def is_simulated(engine: str) -> bool:
    """Whether an engine trains nothing, so that every result of its studies is made up."""
    try:
        return not ENGINES.load(engine).trains
    except StudyFileError:  # its package is no longer installed, but its adapters still exist
        return False
