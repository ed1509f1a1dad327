"""Text for people from places that know no language: written in English, translated where it is shown.

An error is raised in any layer, before anybody knows in which language it will be read. Its text is therefore a
`Phrase`: English, as a log, a traceback or a web search needs it, which keeps its template and its values. The table
of a language (`words.chinese.phrases`) has the translation of each template (decision 084).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["Phrase", "as_phrase", "joined"]


class Phrase(str):
    """An English text that can be told in another language.

    Args:
        template: the text, with its values in braces as for `str.format`. Without values it is taken as it is, and
            braces in it mean nothing.
        values: what stands in the braces; a `Phrase` among them is told in the other language too.
    """

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, /, **values: object) -> Phrase:
        made = super().__new__(cls, template.format_map(values) if values else template)
        made.template, made.values = template, values
        return made

    def __reduce__(self) -> tuple[Callable[..., Phrase], tuple[str, dict[str, object]]]:
        return _made, (self.template, self.values)

    def told(self, translate: Callable[[str], str]) -> str:
        """The text with its template, and those of the phrases in it, translated."""
        template = translate(self.template)
        if not self.values:
            return template
        values = {
            name: each.told(translate) if isinstance(each, Phrase) else each for name, each in self.values.items()
        }
        return template.format_map(values)


def as_phrase(text: str, /, **values: object) -> Phrase:
    """A phrase from its template and values; one that is a phrase already stays."""
    return text if isinstance(text, Phrase) and not values else Phrase(text, **values)


def joined(phrases: Iterable[str], separator: str = "\n") -> Phrase:
    """Several phrases as one, each of which can still be told in another language."""
    values = {f"part{i}": phrase for i, phrase in enumerate(phrases)}
    return Phrase(separator.join(f"{{{name}}}" for name in values), **values) if values else Phrase("")


def _made(template: str, values: dict[str, object]) -> Phrase:
    return Phrase(template, **values)
