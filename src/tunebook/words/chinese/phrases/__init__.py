"""The Chinese translation of every `phrases.Phrase`, by its English template, one module per subject."""

from __future__ import annotations

from tunebook.words.chinese.phrases.audits import AUDITS
from tunebook.words.chinese.phrases.cluster import CLUSTER
from tunebook.words.chinese.phrases.commands import COMMANDS
from tunebook.words.chinese.phrases.data import DATA
from tunebook.words.chinese.phrases.engines import ENGINES
from tunebook.words.chinese.phrases.harnesses import HARNESSES
from tunebook.words.chinese.phrases.services import SERVICES
from tunebook.words.chinese.phrases.study_file import STUDY_FILE

__all__ = ["PHRASES"]

PHRASES = {**STUDY_FILE, **DATA, **ENGINES, **CLUSTER, **HARNESSES, **SERVICES, **COMMANDS, **AUDITS}
