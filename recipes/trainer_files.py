"""What the recipes have in common: tunebook's files, and its configuration in another trainer's words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple


def model_and_revision(name: str) -> tuple[str, str | None]:
    """A hub id may carry a revision (id@revision); a folder has none."""
    if Path(name).is_dir():
        return name, None
    model, _, revision = name.partition("@")
    return model, revision or None


def read_lines(path: str) -> list[dict[str, Any]]:
    """The examples of a data file."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def prompt_text(tokenizer: Any, example: dict[str, Any]) -> str:
    """All turns before the answer, and the tools, through the model's chat template."""
    text: str = tokenizer.apply_chat_template(
        example["messages"], tools=example.get("tools"), add_generation_prompt=True, tokenize=False
    )
    return text


class TurnEnd(NamedTuple):
    """How the chat template ends an assistant's turn: blanks before the token, the token, whether blanks around the
    answer are cut."""

    blanks: str
    token: str
    trims: bool


PROBE = "tunebook-probe"
"""An answer that no template changes."""


def turn_end(tokenizer: Any) -> TurnEnd:
    """The first special token that the template puts after an answer (<end_of_turn>, <|im_end|>), as tunebook's own
    engines have it; end-of-text where there is none."""
    plain = TurnEnd("", tokenizer.eos_token, trims=False)
    chat = [{"role": "user", "content": "?"}, {"role": "assistant", "content": f"\n{PROBE}\n"}]
    try:
        text = tokenizer.apply_chat_template(chat, tokenize=False)
    except Exception:  # the template is the model's: it may refuse these turns in any way
        return plain
    trims = f"\n{PROBE}\n" not in text
    tail = text.rpartition(PROBE)[2].removeprefix("" if trims else "\n")
    special = [str(token) for token in tokenizer.added_tokens_decoder.values()]
    found = {token: at for token in special if (at := tail.find(token)) >= 0}
    if not found:
        return plain
    first = min(found, key=lambda token: (found[token], -len(token)))
    blanks = tail[: found[first]]
    return TurnEnd(blanks if not blanks.strip() else "", first, trims)


def answer_text(end: TurnEnd, completion: str) -> str:
    """An answer as it is learnt, up to the token that ends it."""
    return (completion.strip() if end.trims else completion) + end.blanks


def training_texts(config: dict[str, Any]) -> list[tuple[str, str]]:
    """Prompt and answer of every training example, with all the template's marks: the very text that is scored.

    Handed over as chats instead, they would go through the trainer's own idea of the template: other line breaks, other
    words for tools, and every answer of a longer chat learnt.
    """
    from transformers import AutoTokenizer

    model, revision = model_and_revision(config["model"])
    tokenizer = AutoTokenizer.from_pretrained(model, revision=revision)
    examples = read_lines(config["data"]["train"])
    end = turn_end(tokenizer)
    return [
        (prompt_text(tokenizer, example), answer_text(end, example["completion"]) + end.token) for example in examples
    ]


def refuse(differences: list[str]) -> None:
    """End the trial where the trainer cannot do as the configuration says: it would be another trial."""
    if differences:
        sys.exit(f"{'; '.join(differences)}. Leave these levels out of the study, or use another engine for them.")


def start(command: list[str]) -> None:
    """Run the trainer on one device; on several the batch would be as many times larger. Its failure is ours.

    It is looked for beside this Python first, then on the PATH: an environment of its own need not be activated.
    """
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which(command[0], path=places)
    if program is None:
        sys.exit(
            f"{command[0]}: found neither beside {sys.executable} nor on the PATH. Install it into an environment and "
            "name that environment's Python in the study file's `command`."
        )
    run_or_exit([program, *command[1:]], {"CUDA_VISIBLE_DEVICES": "0", **os.environ, "PATH": places})


def score(config: str, adapter: str | None) -> None:
    """Write the predictions: of the adapter, or of the base model as it is."""
    scorer = str(Path(__file__).with_name("score_adapter.py"))
    run_or_exit([sys.executable, scorer, config, *([adapter] if adapter else [])], dict(os.environ))


def run_or_exit(command: list[str], environment: dict[str, str]) -> None:
    """Run a program and end as it did where it fails: its own last lines are the reason, not a traceback of ours."""
    code = subprocess.run(command, env=environment, check=False).returncode
    if code < 0:
        sys.exit(f"{Path(command[0]).name} was killed by signal {-code}")
    if code:
        sys.exit(code)
