"""Where trials run: in this process, or in one worker process for each device."""

from tunebook.executors.inline import InlineExecutor
from tunebook.executors.job_queue import Limits
from tunebook.executors.local import LocalExecutor
from tunebook.executors.pool import options_by_device
from tunebook.executors.references import Transform, resolve

__all__ = ["InlineExecutor", "Limits", "LocalExecutor", "Transform", "options_by_device", "resolve"]
