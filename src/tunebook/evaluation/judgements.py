"""What a judge has said: a file of JSON lines in the study folder that only grows.

One line for each request that was answered or failed. A judgement is found again by the digest of all that it depends
on; requests without a judgement are there for the counts. The file holds digests, grades, the judge's reasons and
counts of tokens, and neither the service's address nor its key. A line that a kill cut off is left out when the file
is read.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.evaluation.chat_service import Reply
from tunebook.files import writing

__all__ = ["JUDGEMENTS_FILE", "Judgements", "Totals", "digest_of"]

JUDGEMENTS_FILE = "judgements.jsonl"
_MOST_KEPT = 2000
"""Characters of a reply that are kept."""


def digest_of(*parts: Any) -> str:
    """A digest of values as JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What a study's judge has cost so far.

    Attributes:
        requests: answered or failed.
        judgements: grades that were kept; the rest of the requests gave none.
        prompt_tokens, completion_tokens: as the service counted them.
        failures: requests without a grade, by kind.
        models: judgements by the model that gave them, by its own account.
    """

    requests: int
    judgements: int
    prompt_tokens: int
    completion_tokens: int
    failures: dict[str, int]
    models: dict[str, int]


class Judgements:
    """The judgements of one study; may be used from several threads.

    Args:
        folder: the study's; None: nothing is read or kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = folder / JUDGEMENTS_FILE if folder is not None else None
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], float] = {}
        self._counts: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._models: Counter[str] = Counter()
        self._ends_within_a_line = False
        for line in self._lines():
            self._learn(line)

    def find(self, digest: str, time: int) -> float | None:
        """The judgement of that digest, the first (0) or the second (1); None: there is none."""
        with self._lock:
            return self._known.get((digest, time))

    def keep(self, digest: str, time: int, judgement: float, reply: Reply) -> None:
        """Keep a judgement; it is on the disk when this returns."""
        line = {"digest": digest, "time": time, "judgement": judgement, "reply": reply.text[:_MOST_KEPT]}
        self._add({**line, **_counted(reply)})

    def keep_failure(self, kind: str, reply: Reply | None = None) -> None:
        """Keep that a request gave no judgement."""
        self._add({"failed": kind, **(_counted(reply) if reply else {})})

    def totals(self) -> Totals:
        """The counts so far, over all runs of the study."""
        with self._lock:
            return Totals(
                requests=self._counts["requests"],
                judgements=sum(self._models.values()),
                prompt_tokens=self._counts["prompt_tokens"],
                completion_tokens=self._counts["completion_tokens"],
                failures=dict(self._failures),
                models=dict(self._models),
            )

    def twice(self) -> list[tuple[float, float]]:
        """Both judgements of everything that was judged twice."""
        with self._lock:
            pairs = ((first, self._known.get((digest, 1))) for (digest, n), first in self._known.items() if n == 0)
            return [(first, second) for first, second in pairs if second is not None]

    def firsts(self) -> list[float]:
        """Every first judgement that decided; of pairs: 1 where the one that stood first was preferred."""
        with self._lock:
            return [judgement for (_, n), judgement in self._known.items() if n == 0 and judgement != 0.5]

    def _add(self, line: dict[str, Any]) -> None:
        with self._lock:
            if self._file is not None:
                text = json.dumps(line, ensure_ascii=False) + "\n"
                # half of a surrogate pair, which no encoding has, is written as JSON escapes it
                with writing(self._file), self._file.open("a", encoding="utf-8", errors="backslashreplace") as file:
                    file.write("\n" + text if self._ends_within_a_line else text)
                self._ends_within_a_line = False
            self._learn(line)

    def _learn(self, line: dict[str, Any]) -> None:
        self._counts["requests"] += 1
        for name in ("prompt_tokens", "completion_tokens"):
            self._counts[name] += int(line.get(name, 0))
        if "failed" in line:
            self._failures[str(line["failed"])] += 1
        else:
            self._known.setdefault((str(line["digest"]), int(line["time"])), float(line["judgement"]))
            self._models[str(line.get("model", ""))] += 1

    def _lines(self) -> Iterator[dict[str, Any]]:
        if self._file is None or not self._file.is_file():
            return
        text = self._file.read_text(encoding="utf-8", errors="replace")
        self._ends_within_a_line = bool(text) and not text.endswith("\n")
        for each in text.split("\n"):
            try:
                line = json.loads(each)
                known = "failed" in line or (str(line["digest"]), int(line["time"]), float(line["judgement"]))
            except (ValueError, KeyError, TypeError):  # empty, cut off, or not ours
                continue
            if known:
                yield line


def _counted(reply: Reply) -> dict[str, Any]:
    return {
        "model": reply.model,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
    }
