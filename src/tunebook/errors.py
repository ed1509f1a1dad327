"""Every exception that tunebook raises on purpose.

    TunebookError
    ├── UserError                    mend it and run again; exit 2, no trace
    │   ├── StudyFileError           the study file
    │   ├── DataError                a data file or its contents
    │   ├── ModelError               the base model
    │   ├── RecordTableError         a hand-written record that `audit` cannot read
    │   ├── NotFoundError            a study, trial or configuration that is not there
    │   └── MissingExtraError        an optional dependency that this command needs
    ├── EnvironmentStop              the machine stopped us; `run` goes on later; exit 75
    │   ├── LedgerLocked             another process holds the study
    │   ├── LedgerDamaged            the ledger file is not readable as a ledger
    │   ├── LedgerUnavailable        the database does not answer
    │   ├── DiskFull                 no room to write
    │   └── UnwritableFolder         read-only, or without working locks
    ├── Interrupted                  a signal asked us to stop; exit 130 or 143
    ├── TrialFailed                  one trial cannot be trained; the study goes on
    │   └── OutOfMemory              it does not fit; carries what it needed
    ├── StaleLease                   a result from a worker whose lease was given away; refused
    ├── PackingError                 a cohort was put together wrongly: a fault of tunebook's own
    └── IllegalTransition            a trial state change that the state machine does not allow: a fault of our own

Messages say four things: what, the value seen, the rule, the next step.
"""

from __future__ import annotations

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
    "StaleLease",
    "StudyFileError",
    "TrialFailed",
    "TunebookError",
    "UnwritableFolder",
    "UserError",
    "is_out_of_memory",
]


class TunebookError(Exception):
    """Root of all errors raised on purpose."""


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
    """An optional dependency is absent; the message names the extra."""


class EnvironmentStop(TunebookError, RuntimeError):
    """The environment stopped the study. Nothing is lost; `run` goes on."""


class LedgerLocked(EnvironmentStop):
    """Another process is writing this study."""


class LedgerDamaged(EnvironmentStop):
    """The ledger's file is damaged. It is never overwritten."""


class LedgerUnavailable(EnvironmentStop):
    """The database does not answer, after retries."""


class DiskFull(EnvironmentStop, OSError):
    """No room to write."""


class UnwritableFolder(EnvironmentStop, OSError):
    """The study folder cannot be written or locked."""


class Interrupted(TunebookError):
    """A signal asked tunebook to stop. `exit_code` is 128 + the signal's number (130 or 143)."""

    def __init__(self, exit_code: int = 130) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"stopped by a signal (exit code {self.exit_code})"


class TrialFailed(TunebookError, RuntimeError):
    """One trial cannot be trained. The reason goes into the ledger; the study goes on."""


class OutOfMemory(TrialFailed, MemoryError):
    """A trial does not fit in memory. The message carries the bytes needed and the setting that would fit."""


class StaleLease(TunebookError, RuntimeError):
    """A worker reported after its lease had been given to another; its result is refused."""


class PackingError(TunebookError, RuntimeError):
    """A cohort was put together wrongly."""


class IllegalTransition(TunebookError, RuntimeError):
    """A trial cannot go from one state to the other."""


_OUT_OF_MEMORY = (
    "out of memory",  # CUDA error: out of memory; CUDA driver error; hipErrorOutOfMemory
    "can't allocate memory",  # torch's allocator on the CPU
    "not enough memory",  # the same on Windows
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED, CUDNN_STATUS_ALLOC_FAILED
    "cublas_status_not_initialized",  # what cuBLAS says when there is no room for its workspace
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of any library means that memory ran out, of the host or of a device.

    torch raises OutOfMemoryError for its own allocator and plain RuntimeErrors for those of CUDA and its libraries.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _OUT_OF_MEMORY)
