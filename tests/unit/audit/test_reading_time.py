"""Documents of others are read in a time that grows with their length."""

import time

from tunebook.audit.read.documents import read_document


def test_a_block_without_an_end_takes_no_longer_than_it_is_long() -> None:
    text = "```\n" + "acc loss rank alpha dropout epochs\n" * 60 + "\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    began = time.process_time()
    read_document(text, "f")
    assert time.process_time() - began < 1
