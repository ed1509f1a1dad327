"""Files and folders are whole or not there, and every refusal of the file system reads the same."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from tunebook.errors import DiskFull, TrialFailed, UnwritableFolder
from tunebook.files import is_disk_full, replaced_folder, said, shared_folder, write_atomically, writing
from tunebook.record.writing import SAFE
from tunebook.words import words_for


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "record.md"
    write_atomically(path, "old")

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DiskFull, match=r"no room.*The numbers are safe"):
        write_atomically(path, "new", "The numbers are safe.")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "figures").write_text("not a folder", encoding="utf-8")
    with pytest.raises(UnwritableFolder, match="figures"):
        write_atomically(tmp_path / "figures" / "curve.svg", "x")


def test_a_replaced_folder_takes_the_place_of_the_old_one_whole(tmp_path):
    target = tmp_path / "best"
    for content in ("first", "second"):
        with replaced_folder(target) as scratch:
            (scratch / content).write_text(content, encoding="utf-8")
        assert [path.name for path in target.iterdir()] == [content]
    assert list(tmp_path.iterdir()) == [target]


def fill(target: Path, error: Exception) -> None:
    with replaced_folder(target) as scratch:
        (scratch / "adapter").write_text("new", encoding="utf-8")
        raise error


def test_a_folder_whose_filling_fails_stays_as_it_was(tmp_path):
    target = tmp_path / "best"
    with replaced_folder(target) as scratch:
        (scratch / "adapter").write_text("old", encoding="utf-8")
    for error, expected in (
        (OSError(errno.EDQUOT, "Disk quota exceeded"), DiskFull),
        (OSError(errno.EACCES, "Permission denied"), UnwritableFolder),
        (TrialFailed("trial 3 could not be trained"), TrialFailed),
        (ZeroDivisionError("a fault of our own"), ZeroDivisionError),
    ):
        with pytest.raises(expected):
            fill(target, error)
        assert (target / "adapter").read_text(encoding="utf-8") == "old"
        assert list(tmp_path.iterdir()) == [target]


def test_a_file_in_the_way_of_a_folder_is_left_alone(tmp_path):
    target = tmp_path / "best"
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(UnwritableFolder, match="in the way"):
        fill(target, ValueError("never reached"))
    assert target.read_text(encoding="utf-8") == "mine"


def test_a_crash_between_the_renames_leaves_the_old_content_beside(tmp_path, monkeypatch):
    target = tmp_path / "resume"
    with replaced_folder(target) as scratch:
        (scratch / "state").write_text("old", encoding="utf-8")
    rename = Path.rename

    def killed(path: Path, to: Path) -> Path:
        if path.name.endswith(".writing"):
            raise KeyboardInterrupt
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt), replaced_folder(target) as scratch:
        (scratch / "state").write_text("new", encoding="utf-8")
    assert (tmp_path / ".resume.old" / "state").read_text(encoding="utf-8") == "old"


def test_what_libraries_raise_for_a_full_disk_is_a_full_disk():
    from safetensors import SafetensorError

    full = SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
    assert is_disk_full(full)
    with pytest.raises(DiskFull, match="adapters/3: cannot be written, there is no room"), writing("adapters/3"):
        raise full
    with pytest.raises(UnwritableFolder, match="adapters/3"), writing("adapters/3"):
        raise SafetensorError("Error while serializing: I/O error: Permission denied (os error 13)")


@pytest.mark.parametrize("number", [errno.EEXIST, errno.ENOTDIR, errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_what_the_system_says_is_told_in_chinese_too(number):
    told = words_for("zh").translated(said(OSError(number, os.strerror(number)), "runs/trec", SAFE).phrase)
    assert not re.search("[a-z]{3}", told.replace("runs/trec", "").replace("`tunebook report`", ""))


def test_a_file_system_without_locks_is_told_as_such():
    assert "no working locks" in str(said(OSError(errno.ENOLCK, "No locks available"), "runs/trec"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("umask", "rights"), [(0o022, 0o644), (0o077, 0o600), (0o027, 0o640)])
@pytest.mark.parametrize("folder", [replaced_folder, shared_folder])
def test_a_file_that_a_library_wrote_for_its_owner_alone_has_the_rights_of_a_new_file(tmp_path, folder, umask, rights):
    import numpy as np
    from safetensors.numpy import save_file

    before = os.umask(umask)
    try:
        with folder(tmp_path / "to") as scratch:
            save_file({"a": np.zeros(1)}, scratch / "a.safetensors")
            (scratch / "inner").mkdir()
            os.close(os.open(scratch / "inner" / "b", os.O_CREAT | os.O_WRONLY, 0o600))
    finally:
        os.umask(before)
    found = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "to").rglob("*") if path.is_file()}
    assert found == {"a.safetensors": rights, "b": rights}
