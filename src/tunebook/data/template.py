"""From an example to token ids: the model's chat template around the prompt, the answer with end-of-text after it.

The loss and the score concern the answer only, so prompt and answer are tokenised apart and joined as ids.
A tokenizer without chat template gets a plain format: one question is the prompt as it stands, a chat is written as
"User: ... Assistant: ..." lines; the answer follows after one blank.
"""

from __future__ import annotations

import json
from typing import Any

from tunebook.core.ports import ChatExample, TokenizedExample
from tunebook.data.examples import DataExample, Message, quoted
from tunebook.errors import DataError, ModelError

__all__ = ["Encoder"]

TOOLS_HEADING = "You can call these tools. To call one, answer with a JSON object that has its name and arguments."
"""Put before the tools in the system message when the chat template has no place for them."""

_ROLE_NAMES = {"system": "System", "user": "User", "assistant": "Assistant", "tool": "Tool"}


class Encoder:
    """Turns examples into token ids.

    Args:
        tokenizer: a transformers tokenizer (apply_chat_template, __call__, eos_token_id, chat_template).
        system: system message of examples that have none; None or empty: the model's own.

    Raises:
        ModelError: the tokenizer has no end-of-text token.
    """

    def __init__(self, tokenizer: Any, system: str | None = None) -> None:
        if tokenizer.eos_token_id is None:
            raise ModelError(
                "the tokenizer has no end-of-text token (eos_token); answers end with one. "
                "Set eos_token in its tokenizer_config.json."
            )
        self._tokenizer = tokenizer
        self._system = system or None
        self._template = str(tokenizer.chat_template) if tokenizer.chat_template else None

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
        """Tokens that end an answer."""
        return (int(self._tokenizer.eos_token_id),)

    def encode(self, example: DataExample, where: str) -> TokenizedExample:
        """Token ids of an example.

        Args:
            where: its place, for messages.

        Raises:
            DataError: the chat template refuses the example's turns.
        """
        return TokenizedExample(self._prompt_ids(example, where), self.completion_ids(example.completion))

    def completion_ids(self, completion: str) -> tuple[int, ...]:
        """Ids of an answer, end-of-text included."""
        text = completion if self._template or completion[:1].isspace() else " " + completion
        return (*self._tokenizer(text, add_special_tokens=False)["input_ids"], *self.stop_ids)

    def _prompt_ids(self, example: DataExample, where: str) -> tuple[int, ...]:
        messages = self.messages(example)
        if self._template is None:
            ids = list(self._tokenizer(_plain_text(messages))["input_ids"])
            return tuple(ids[:-1] if ids and ids[-1] == self._tokenizer.eos_token_id else ids)
        chat = [{"role": role, "content": text} for role, text in messages]
        extra = {"tools": _tool_list(example.tools)} if example.tools and self.tools_place == "template" else {}
        try:
            ids = self._tokenizer.apply_chat_template(
                chat, add_generation_prompt=True, tokenize=True, return_dict=False, **extra
            )
        except Exception as error:  # the template is the model's: it may raise anything, and runs in jinja's sandbox
            raise DataError(
                f"{where}: the model's chat template refuses these turns "
                f"({', '.join(role for role, _ in messages)}): {quoted(str(error))}. Change the turns, "
                "or use a model whose template takes them."
            ) from None
        return tuple(int(i) for i in ids)

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


def _tool_list(tools: str) -> Any:
    return json.loads(tools)
