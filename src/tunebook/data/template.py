"""From an example to token ids: the model's chat template around the prompt, the answer with its end after it.

The loss and the score concern the answer only, so prompt and answer are tokenised apart and joined as ids. An answer
ends with what the template puts at the end of an assistant's turn, up to the first special token (<end_of_turn>,
<|im_end|>), which need not be the tokenizer's end-of-text. A tokenizer without chat template gets a plain format: one
question is the prompt as it stands, a chat is written as "User: ... Assistant: ..." lines; the answer follows after
one blank, and end-of-text after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tunebook.core.ports import ChatExample, TokenizedExample
from tunebook.data.examples import DataExample, Message, quoted
from tunebook.errors import DataError, ModelError

__all__ = ["Encoder"]

TOOLS_HEADING = "You can call these tools. To call one, answer with a JSON object that has its name and arguments."
"""Put before the tools in the system message when the chat template has no place for them."""

_ROLE_NAMES = {"system": "System", "user": "User", "assistant": "Assistant", "tool": "Tool"}


_PROBE = "tunebook-probe"
"""An answer that no template changes, to see what is put after it."""


@dataclass(frozen=True)
class _TurnEnd:
    """How the template ends an assistant's turn.

    Attributes:
        blanks: between the answer and the token.
        token: its id.
        trims: whether blanks around an answer are cut.
    """

    blanks: str
    token: int
    trims: bool


class Encoder:
    """Turns examples into token ids.

    Args:
        tokenizer: a transformers tokenizer (apply_chat_template, __call__, eos_token_id, chat_template).
        system: system message of examples that have none; None or empty: the model's own.
        stops: further tokens that end the model's answers (`base_model.stop_tokens`).

    Raises:
        ModelError: the tokenizer has no end-of-text token.
    """

    def __init__(self, tokenizer: Any, system: str | None = None, stops: Iterable[int] = ()) -> None:
        if tokenizer.eos_token_id is None:
            raise ModelError(
                "the tokenizer has no end-of-text token (eos_token); answers end with one. Set eos_token in its "
                "tokenizer_config.json."
            )
        self._tokenizer = tokenizer
        self._system = system or None
        self._template = str(tokenizer.chat_template) if tokenizer.chat_template else None
        self._end = self._turn_end()
        self._stops = tuple(dict.fromkeys((self._end.token, int(tokenizer.eos_token_id), *stops)))

    @property
    def format(self) -> str:
        """Either "chat_template", or "plain" when the tokenizer has none."""
        return "chat_template" if self._template else "plain"

    @property
    def tools_place(self) -> str:
        """Where tools go: "template" when the chat template takes them, else "system"."""
        return "template" if self._template and "tools" in self._template else "system"

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Tokens that end a generated answer; the first of them ends those of the training data."""
        return self._stops

    def text(self, ids: Sequence[int]) -> str:
        """The text of token ids, special tokens and all."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def token_text(self, token: int) -> str:
        """A token as the tokenizer writes it."""
        return str(self._tokenizer.convert_ids_to_tokens(token))

    def _turn_end(self) -> _TurnEnd:
        """What follows an answer in the template; end-of-text where it has no special token there, or takes no such
        chat."""
        plain = _TurnEnd("", int(self._tokenizer.eos_token_id), trims=False)
        special = {str(token): int(i) for i, token in getattr(self._tokenizer, "added_tokens_decoder", {}).items()}
        if self._template is None or not special:
            return plain
        chat = [{"role": "user", "content": "?"}, {"role": "assistant", "content": f"\n{_PROBE}\n"}]
        try:
            text = self._tokenizer.apply_chat_template(chat, tokenize=False)
        except Exception:  # as in `_prompt_ids`, where the study's own turns are rendered and an error is told
            return plain
        trims = f"\n{_PROBE}\n" not in text
        tail = text.rpartition(_PROBE)[2].removeprefix("" if trims else "\n")
        found = {token: place for token in special if (place := tail.find(token)) >= 0}
        if not found:
            return plain
        first = min(found, key=lambda token: (found[token], -len(token)))
        blanks = tail[: found[first]]
        return _TurnEnd(blanks if not blanks.strip() else "", special[first], trims)

    def encode(self, example: DataExample, where: str) -> TokenizedExample:
        """Token ids of an example.

        Args:
            where: its place, for messages.

        Raises:
            DataError: the chat template refuses the example's turns.
        """
        return TokenizedExample(self._prompt_ids(example, where), self.completion_ids(example.completion))

    def completion_ids(self, completion: str) -> tuple[int, ...]:
        """Ids of an answer, its end included."""
        text = completion if self._template or completion[:1].isspace() else " " + completion
        text = (text.strip() if self._end.trims else text) + self._end.blanks
        return (*self._tokenizer(text, add_special_tokens=False)["input_ids"], self._end.token)

    def _prompt_ids(self, example: DataExample, where: str) -> tuple[int, ...]:
        messages = self.messages(example)
        if self._template is None:
            ids = list(self._tokenizer(_plain_text(messages))["input_ids"])
            return tuple(ids[:-1] if ids and ids[-1] == self._tokenizer.eos_token_id else ids)
        try:
            return self._rendered(messages, example.tools)
        except Exception as error:  # the template is the model's: it may raise anything, and runs in jinja's sandbox
            raise self._refusal(example, messages, where, quoted(str(error))) from None

    def _rendered(self, messages: tuple[Message, ...], tools: str = "") -> tuple[int, ...]:
        chat = [{"role": role, "content": text} for role, text in messages]
        extra = {"tools": json.loads(tools)} if tools and self.tools_place == "template" else {}
        ids = self._tokenizer.apply_chat_template(
            chat, add_generation_prompt=True, tokenize=True, return_dict=False, **extra
        )
        return tuple(int(i) for i in ids)

    def _refusal(self, example: DataExample, messages: tuple[Message, ...], where: str, why: str) -> DataError:
        """Why the turns are refused: the system turn that was put before them where it is that, else the row's own."""
        if messages != example.messages and messages[0][0] == "system" and self._takes(example.messages):
            if self._system and example.messages[0][0] != "system":
                return DataError(
                    "data.system: the model's chat template refuses the system turn that it puts before the row "
                    "({where}): {why}. Remove data.system, or use a model whose template takes a system turn.",
                    where=where,
                    why=why,
                )
            return DataError(
                "{where}: the model's chat template takes no tools, so they were put into a system turn, and that it "
                "refuses too: {why}. Remove `tools` from the rows, or use a model whose template takes them.",
                where=where,
                why=why,
            )
        return DataError(
            "{where}: the model's chat template refuses these turns ({value}): {why}. Change the turns, or use a "
            "model whose template takes them.",
            where=where,
            value=", ".join((role for role, _ in example.messages)),
            why=why,
        )

    def _takes(self, messages: tuple[Message, ...]) -> bool:
        try:
            self._rendered(messages)
        except Exception:  # as in `_prompt_ids`
            return False
        return True

    def chat(self, example: DataExample) -> ChatExample:
        """The example for a program with a tokenizer of its own."""
        tools = example.tools if self.tools_place == "template" else ""
        return ChatExample(example.prompt, example.completion, self.messages(example), tools)

    def messages(self, example: DataExample) -> tuple[Message, ...]:
        """The turns that the model is shown: with the study's system message where the example has none, and with tools
        in the system message where the template takes none."""
        messages = example.messages
        if self._system and not any(role == "system" for role, _ in messages):
            messages = (("system", self._system), *messages)
        if not example.tools or self.tools_place == "template":
            return messages
        tools = f"{TOOLS_HEADING}\n{example.tools}"
        if messages[0][0] == "system":
            return (("system", f"{messages[0][1]}\n\n{tools}"), *messages[1:])
        return (("system", tools), *messages)


def _plain_text(messages: tuple[Message, ...]) -> str:
    if len(messages) == 1:
        return messages[0][1]
    lines = [f"{_ROLE_NAMES[role]}: {text}" for role, text in messages]
    return "\n".join([*lines, "Assistant:"])
