"""Writes the file kept for the present schema: `python tests/ledgers/make.py`. Run once for each released schema."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tunebook.ledger import open_ledger
from tunebook.ledger.schema import SCHEMA_REVISION
from tunebook.testing.sample_study import finding_of, result_of, sample_facts, sample_spec, sample_wave

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        with open_ledger(folder, write=True) as ledger:
            ledger.create_study(sample_spec(), sample_facts())
            ledger.add_wave(sample_wave(1))
            for trial in sample_wave(1).trials[:2]:
                ledger.finish_trial(result_of(trial), ledger.start_trial(trial.id, "make"))
            ledger.seal({"best": "0123456789ab"})
            ledger.close_round(1, [finding_of(1)])
            ledger.note("made", {"by": "tests/ledgers/make.py"})
        target = Path(__file__).parent / f"schema-{SCHEMA_REVISION}.sqlite"
        shutil.copyfile(Path(folder) / "ledger.sqlite", target)
        print(target)
