"""What all tests share: threads held down, no hub, tiny random models made here."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.pop("TUNEBOOK_LEDGER", None)

# a shared machine may be slow without anything being wrong
settings.register_profile("tunebook", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tunebook")
