"""Each sweep of the growth benchmark varies one thing, and its figure is drawn."""

from __future__ import annotations

from benchmarks.growth import SWEEPS, Point, draw, jobs_and_workload
from tunebook.core.ports import Scoring, TokenizedExample, Workload

WORKLOAD = Workload(tuple(TokenizedExample((1, 2, i), (3,)) for i in range(100)), {"validation": ()}, Scoring())


def sizes(name, value):
    sweep = next(sweep for sweep in SWEEPS if sweep.name == name)
    jobs, workload = jobs_and_workload(sweep, value, WORKLOAD, "folder")
    return len(jobs), jobs[0].configuration.lora_r, len(workload.train), workload.train[0].n_tokens


def test_each_sweep_varies_one_thing():
    assert sizes("trials", 4) == (4, 8, 16, 4)
    assert sizes("rank", 64) == (1, 64, 16, 4)
    assert sizes("rows", 32) == (1, 8, 32, 4)
    assert sizes("length", 128) == (1, 8, 8, 128)


def test_figure_is_the_same_file_for_the_same_points(tmp_path):
    points = [Point(1, [2.0, 1.0]), Point(2, [1.5])]
    draw(SWEEPS[0], points, tmp_path / "a.svg")
    draw(SWEEPS[0], points, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "trials in the cohort" in (tmp_path / "a.svg").read_text(encoding="utf-8")
