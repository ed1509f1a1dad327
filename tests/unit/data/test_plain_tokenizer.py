"""Without a model lengths are in words, by the rule that the metrics have."""

from tunebook.data.plain_tokenizer import PlainTokenizer
from tunebook.evaluation.overlap import words


def test_every_chinese_character_is_a_word_and_no_character_is_lost():
    text = "\u628a LoRA \u7684\u79e9\u8bbe\u4e3a 8 \n\u5f88\u597d"
    tokenizer = PlainTokenizer()
    ids = tokenizer(text)["input_ids"]
    assert len(ids) == len(words(text)) == 9
    assert tokenizer.decode(ids) == text
    assert len(tokenizer("two words")["input_ids"]) == 2
