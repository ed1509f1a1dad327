"""Pictures that cannot be drawn: record, page and numbers are written, and a sentence says what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tunebook.record import plots
from tunebook.run.commands.report import write_record
from tunebook.run.paths import StudyPaths
from tunebook.run.reading import read_study

pytestmark = pytest.mark.timeout(600)
WRITTEN = ("record.md", "record.html", "results.json", "trials.csv")
REPORT = [sys.executable, "-c", "from tunebook.cli.main import main; main()", "report"]


@pytest.fixture
def folder(study) -> Path:
    """The folder of a finished study without anything that a report writes."""
    copy = study.parent / "runs" / "soak"
    for name in WRITTEN:
        (copy / name).unlink()
    shutil.rmtree(copy / "figures")
    return copy


def report(folder: Path, before: tuple[str, ...] = (), **environment: str) -> str:
    """Write the record in a process of its own; gives what it said."""
    mine = {**os.environ, **environment}
    done = subprocess.run([*before, *REPORT, str(folder)], env=mine, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert [name for name in WRITTEN if not (folder / name).is_file()] == []
    return done.stderr


PAINTERS = [each for each in plots.gallery.PAINTERS if each[0] in ("cost", "effects")]
"""Two pictures are as good as all."""


def test_with_nothing_wrong_there_are_figures_and_no_complaint(folder, monkeypatch):
    monkeypatch.setattr(plots.gallery, "PAINTERS", PAINTERS)
    said = []
    write_record(read_study(StudyPaths(None, folder)), folder, warn=said.append)
    assert said == []
    assert [name for name in WRITTEN if not (folder / name).is_file()] == []
    assert list((folder / "figures").glob("*.svg"))


def test_a_matplotlib_that_cannot_be_imported(folder, tmp_path):
    broken = tmp_path / "broken" / "matplotlib"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('libfreetype.so.6: cannot open shared object file')")
    said = report(folder, PYTHONPATH=str(broken.parent))
    assert "libfreetype.so.6" in said
    assert "tunebook doctor" in said
    assert not (folder / "figures").exists()


def test_a_backend_that_is_none(folder):
    said = report(folder, MPLBACKEND="no_such_backend")
    assert "no_such_backend" in said
    assert "could not be drawn" in said


def test_no_font_at_all(folder, tmp_path):
    """An empty file system in place of every folder of fonts, in a mount namespace of this process alone."""
    import matplotlib

    own = Path(matplotlib.get_data_path()) / "fonts"
    places = [str(place) for place in (own, Path("/usr/share/fonts"), Path("/usr/local/share/fonts")) if place.exists()]
    hide = " && ".join(f"mount -t tmpfs tmpfs '{place}'" for place in places)
    if subprocess.run(["unshare", "-m", "sh", "-c", hide], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace can be made here")
    said = report(
        folder, ("unshare", "-m", "sh", "-c", f'{hide} && exec "$@"', "sh"), MPLCONFIGDIR=str(tmp_path / "matplotlib")
    )
    assert "could not be drawn" in said
    assert "font" in said.lower()


def test_one_picture_that_breaks_costs_no_other(folder, monkeypatch):
    def broken(paper, view, words):
        raise ZeroDivisionError("no room between the axes")

    painters = [(name, label, broken if name == "cost" else paint) for name, label, paint in PAINTERS]
    monkeypatch.setattr(plots.gallery, "PAINTERS", painters)
    said = []
    paths = write_record(read_study(StudyPaths(None, folder)), folder, warn=said.append)
    [sentence] = said
    assert sentence.startswith("figures (cost): could not be drawn (ZeroDivisionError: no room between the axes)")
    assert "figures/effects.svg" in paths
    assert "figures/cost.svg" not in paths
    assert "cost.svg" not in (folder / "record.md").read_text(encoding="utf-8")
