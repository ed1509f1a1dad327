"""Writes files and folders that are either whole or not there, and says what a file system refuses.

Everything is written beside its place, made durable and renamed, so that a reader, or a run after a crash, finds the
old content or the new one and never a part. This is the only module that turns an error of the file system into one of
tunebook's own, so a full disk reads the same wherever it is met.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunebook.errors import DiskFull, TunebookError, UnwritableFolder
from tunebook.phrases import Phrase, as_phrase

__all__ = [
    "as_umask_says",
    "disk_full",
    "is_disk_full",
    "reason",
    "replaced_folder",
    "said",
    "shared_folder",
    "sync",
    "write_atomically",
    "writing",
]

_IN_THE_WAY = Phrase("a file is in the way where a folder is needed")
_REASONS = {
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: Phrase("a folder of that name is in the way"),
    errno.EACCES: Phrase("permission denied"),
    errno.EPERM: Phrase("operation not permitted"),
    errno.ENOENT: Phrase("no such file or folder"),
    errno.ENAMETOOLONG: Phrase("the name is too long"),
    errno.EROFS: Phrase("read-only file system"),
    errno.ENOSPC: Phrase("no space left on device"),
    errno.EDQUOT: Phrase("disk quota exceeded"),
    errno.EFBIG: Phrase("larger than a file may be here"),
    errno.EIO: Phrase("input/output error"),
}
"""What the system says most often; anything else is told in its own words."""
_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}


def is_disk_full(error: BaseException) -> bool:
    """Whether an error means that there is no room left: errno, or the text that Rust libraries (safetensors) give."""
    return (isinstance(error, OSError) and error.errno in _FULL) or "No space left on device" in str(error)


def reason(error: BaseException) -> str:
    """What the file system said, without the place; what it says most often can be told in another language."""
    number = error.errno if isinstance(error, OSError) else None
    return _REASONS.get(number or 0) or getattr(error, "strerror", None) or str(error)


def said(error: BaseException, place: object, safe: str = "") -> DiskFull | UnwritableFolder:
    """The error to raise for what the file system said.

    Args:
        error: an OSError, or a library's own error about a file.
        place: what was being written, as the user knows it.
        safe: what the user need not worry about, a whole sentence.
    """
    why = reason(error)
    if is_disk_full(error):
        return disk_full(place, safe, why)
    if isinstance(error, OSError) and error.errno in _NO_LOCKS:
        return UnwritableFolder(
            "{place}: this file system has no working locks ({reason}); a study needs them so that two runners "
            "never write at once. Move the study to a local disk.",
            place=place,
            reason=why,
        )
    return UnwritableFolder(
        "{place}: cannot be written ({reason}).{safe} Make the place writable or name another one, then repeat this.",
        place=place,
        reason=why,
        safe=_after(safe),
    )


def _after(safe: str) -> Phrase:
    return Phrase(" {sentence}", sentence=as_phrase(safe)) if safe else Phrase("")


def disk_full(place: object, safe: str = "", reason: str = "") -> DiskFull:
    """The error to raise where there is no room left; see `said` for the arguments."""
    return DiskFull(
        "{place}: cannot be written, there is no room left on the disk ({reason}).{safe} Free some "
        "space, then repeat this.",
        place=place,
        reason=reason or _REASONS[errno.ENOSPC],
        safe=_after(safe),
    )


@contextmanager
def writing(place: object, safe: str = "") -> Iterator[None]:
    """While inside, a file system that refuses is told as such; see `said` for the arguments.

    Raises: DiskFull: no room. UnwritableFolder: anything else that the system says about the place.
    """
    try:
        yield
    except TunebookError:
        raise
    except Exception as error:
        if isinstance(error, OSError) or is_disk_full(error) or _is_safetensors(error):
            raise said(error, place, safe) from error
        raise


def write_atomically(path: Path, content: str | bytes, safe: str = "") -> Path:
    """Write a file whole; makes its folder where that is missing.

    Raises: DiskFull, UnwritableFolder: the old file, if any, is untouched.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.writing")
    with writing(path, safe):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):  # the first error is the one to tell
                temporary.unlink(missing_ok=True)
            raise
    return path


@contextmanager
def replaced_folder(target: Path, safe: str = "") -> Iterator[Path]:
    """Gives an empty folder to fill; it takes the target's place, durably, when the block ends without an error.

    A crash between the two renames leaves the old content as `.<name>.old` beside the target: readers that must
    survive this look there too.

    Raises: DiskFull, UnwritableFolder: the target is as it was.
    """
    scratch, old = (target.with_name(f".{target.name}.{suffix}") for suffix in ("writing", "old"))
    with writing(target, safe):
        if target.exists() and not target.is_dir():  # somebody else's file: it is not ours to move away
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            scratch.mkdir(parents=True)
            yield scratch
            as_umask_says(scratch)
            for path in scratch.rglob("*"):
                sync(path)
            shutil.rmtree(old, ignore_errors=True)
            if target.exists():
                target.rename(old)
            scratch.rename(target)
            sync(target.parent)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def shared_folder(target: Path) -> Iterator[Path]:
    """Gives an empty folder to fill; it becomes the target when the block ends without an error.

    For what several processes make alike, such as a cache: each fills a folder of its own, and the first one's stays.

    Raises: DiskFull, UnwritableFolder: there is no target.
    """
    scratch = target.with_name(f".{target.name}.{os.getpid()}.writing")
    with writing(target):
        try:
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            yield scratch
            as_umask_says(scratch)
            try:
                scratch.rename(target)
            except OSError:
                if not target.is_dir():  # else another process was first
                    raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def as_umask_says(folder: Path, files: str = "**/*") -> None:
    """Give files in a folder, which this process made, the rights that new files have. Libraries write through
    temporary files that only their owner may read (safetensors does).

    Args:
        files: a pattern as of `Path.glob`.
    """
    probe = folder / f".rights.{os.getpid()}"  # the umask cannot be asked for without changing it for other threads
    probe.mkdir()
    rights = probe.stat().st_mode & 0o666
    probe.rmdir()
    for path in folder.glob(files):
        if path.is_file() and not path.is_symlink():
            path.chmod(rights)


def sync(path: Path) -> None:
    """Make a file's contents, or a folder's entries, survive a loss of power (Windows cannot sync a folder)."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_safetensors(error: Exception) -> bool:
    """safetensors wraps the system's errors in a class of its own, which is not imported here for its sake alone."""
    return type(error).__name__ == "SafetensorError"
