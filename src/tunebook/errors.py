"""Every exception that tunebook raises on purpose.

    TunebookError
    ├── UserError                    correct the input and run again; exit 2, no traceback
    │   ├── StudyFileError           the study file
    │   ├── DataError                a data file or its contents
    │   ├── ModelError               the base model
    │   ├── RecordTableError         no table of trials can be read from a hand-written record
    │   ├── NotFoundError            a study, trial or configuration that does not exist
    │   └── MissingExtraError        an optional dependency that this command needs
    ├── EnvironmentStop              the machine stopped the study; `run` continues it; exit 75
    │   ├── LedgerLocked             another process holds the study
    │   ├── LedgerDamaged            the ledger file is not readable as a ledger
    │   ├── LedgerUnavailable        the database does not answer
    │   ├── DiskFull                 no space left on the disk
    │   └── UnwritableFolder         read-only, or its file system has no working locks
    ├── Interrupted                  a signal asked tunebook to stop; exit 130 or 143
    ├── TrialFailed                  one trial cannot be trained; the study goes on
    │   └── OutOfMemory              it does not fit in memory; the message has the bytes needed
    ├── StaleToken                   a late result of a trial that was started anew or has ended; refused
    ├── PackingError                 a cohort was built wrongly: a bug in tunebook
    └── IllegalTransition            a state change that is not allowed for a trial: a bug in tunebook

Every message says four things: what is wrong, the value seen, the rule, and the next step.
"""

from __future__ import annotations

from tunebook.phrases import Phrase, as_phrase

__all__ = [
    "DataError",
    "DiskFull",
    "EnvironmentStop",
    "IllegalTransition",
    "Interrupted",
    "LedgerDamaged",
    "LedgerLocked",
    "LedgerUnavailable",
    "MissingExtraError",
    "ModelError",
    "NotFoundError",
    "OutOfMemory",
    "PackingError",
    "RecordTableError",
    "StaleToken",
    "StudyFileError",
    "TrialFailed",
    "TunebookError",
    "UnwritableFolder",
    "UserError",
    "is_out_of_memory",
]


class TunebookError(Exception):
    """Root of all errors raised on purpose.

    Args:
        text: the message in English, with its values in braces (`phrases.Phrase`).
        values: what stands in the braces.
    """

    def __init__(self, text: str = "", /, **values: object) -> None:
        super().__init__(as_phrase(text, **values))

    @property
    def phrase(self) -> Phrase:
        """The message, which `words.translated` tells in another language."""
        return self.args[0] if self.args and isinstance(self.args[0], Phrase) else Phrase(str(self))


class UserError(TunebookError, ValueError):
    """Bad input. The message names file, line and key, what was found, what was expected and what to do."""


class StudyFileError(UserError):
    """The study file cannot be used."""


class DataError(UserError):
    """A data file cannot be used."""


class ModelError(UserError):
    """The base model cannot be used."""


class RecordTableError(UserError):
    """No table of trials could be read from a hand-written record."""


class NotFoundError(UserError):
    """A study, trial or configuration that does not exist."""


class MissingExtraError(UserError):
    """An optional dependency is missing; the message names the extra to install."""


class EnvironmentStop(TunebookError, RuntimeError):
    """The machine stopped the study.

    Attributes:
        goes_on: whether the study had been begun, so that nothing is lost and `run` continues it.
    """

    goes_on = False


class LedgerLocked(EnvironmentStop):
    """Another process is writing this study."""


class LedgerDamaged(EnvironmentStop):
    """The ledger file is damaged. It is never overwritten."""


class LedgerUnavailable(EnvironmentStop):
    """The database does not answer, after retries."""


class DiskFull(EnvironmentStop, OSError):
    """No space is left on the disk."""


class UnwritableFolder(EnvironmentStop, OSError):
    """The study folder cannot be written or locked."""


class Interrupted(TunebookError):
    """A signal asked tunebook to stop. `exit_code` is 128 + the signal's number (130 or 143)."""

    def __init__(self, exit_code: int = 130) -> None:
        super().__init__()
        self.args = (exit_code,)
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"stopped by a signal (exit code {self.exit_code})"


class TrialFailed(TunebookError, RuntimeError):
    """One trial cannot be trained. The reason is kept in the ledger; the study goes on."""


class OutOfMemory(TrialFailed, MemoryError):
    """A trial does not fit in memory. The message carries the bytes needed and the setting that would fit."""


class StaleToken(TunebookError, RuntimeError):
    """A result or release came with the token of an earlier attempt; it is refused."""


class PackingError(TunebookError, RuntimeError):
    """A cohort was built wrongly."""


class IllegalTransition(TunebookError, RuntimeError):
    """A trial cannot change from its state to the one asked for."""


_OUT_OF_MEMORY = (
    "out of memory",  # CUDA error: out of memory; CUDA driver error; hipErrorOutOfMemory
    "can't allocate memory",  # torch's allocator on the CPU
    "not enough memory",  # the same error on Windows
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED, CUDNN_STATUS_ALLOC_FAILED
    "cublas_status_not_initialized",  # cuBLAS: no memory for its workspace
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of any library means that the host or a device ran out of memory.

    torch raises OutOfMemoryError for its own allocator, but plain RuntimeErrors when CUDA or its libraries run out of
    memory.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _OUT_OF_MEMORY)
