"""Further layouts of well-known public data sets, most of them as their cards state the columns, in words of our own.

All were written down, with what is expected, before the reading was tried on any. `MENDED` are those that the reading
was then mended on (37 of 52 were right at first); `KEPT_APART` are 30 that were looked at once, after that: 22
were right. All of them were mended afterwards. Of four what is expected was
changed: wikisql (an object is learnt as JSON), hotpotqa (refused for its context), reddit_tifu (with its title),
and dream (its options are read); and the word of wic differs from row to row, as it does in the data set.
"""

from __future__ import annotations

import random

from public_layouts import (
    ASK,
    ASK_0,
    BINARY,
    NUMBER,
    REPLY,
    REPLY_0,
    SHARED,
    TEXT,
    TEXT_0,
    THREE,
    TURNS,
    Layout,
    several,
)

__all__ = ["ASKED", "KEPT_APART", "MENDED"]

LONG = " ".join(["First, parcel {i} is looked up. It left on Monday, so it must be there."] * 3)
LONG_0 = LONG.replace("{i}", "0")
SHORT = "Letter {i}."
SHORT_0 = "Letter 0."
PAN, PAN_0 = "Which pan is hot? ({i})", "Which pan is hot? (0)\nA. red {}\nB. blue {}".replace(" {}", "")
LETTERS = several("B", "A")
UNSURE = "which columns are which"

WRITTEN = (
    # reasoning
    Layout(
        "openr1_math",
        {
            "problem": ASK,
            "solution": LONG,
            "answer": "{i}",
            "problem_type": several("Algebra", "Geometry"),
            "question_type": several("math-word-problem", "MCQ"),
            "source": several("olympiads", "cn_k12"),
            "uuid": "u{i}",
            "is_reasoning_complete": [True, True],
            "generations": [LONG, LONG],
            "correctness_count": 2,
            "messages": TURNS,
        },
        ASK_0,
        (REPLY_0,),
        container="parquet",
    ),
    Layout(
        "openthoughts",
        {
            "system": "Think first.",
            "conversations": [{"from": "user", "value": ASK}, {"from": "assistant", "value": REPLY}],
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "s1k",
        {
            "solution": REPLY,
            "question": ASK,
            "cot_type": several("math", "science"),
            "source_type": several("a/b", "c/d"),
            "metadata": "{'a': 1}",
            "cot": None,
            "thinking_trajectories": [LONG],
            "attempt": LONG,
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout("medical_o1", {"Question": ASK, "Complex_CoT": LONG, "Response": REPLY}, ASK_0, (REPLY_0,)),
    Layout(
        "natural_reasoning",
        {"question": ASK, "reference_answer": REPLY, "responses": [{"response_model": "m", "response": LONG}]},
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "openmathinstruct2",
        {
            "problem": ASK,
            "generated_solution": LONG,
            "expected_answer": "{i}",
            "problem_source": several("augmented_math", "gsm8k"),
        },
        ASK_0,
        (LONG_0,),
    ),
    Layout("aime", {"ID": "2024-I-{i}", "Problem": ASK, "Solution": LONG, "Answer": NUMBER}, ASK_0, (LONG_0,)),
    Layout("gsm_hard", {"input": ASK, "code": "def f(): return {i}", "target": NUMBER}, ASK_0, ("0",)),
    Layout(
        "theoremqa",
        {"Question": ASK, "Answer": "{i}", "Answer_type": several("integer", "float"), "Picture": None},
        ASK_0,
        ("0",),
    ),
    Layout(
        "deepseek distill zh",
        {
            "input": "第{i}件在哪？",
            "content": "在上海，第{i}件。",
            "reasoning_content": "先查一下第{i}件在什么地方，然后回答用户。",
            "repo_name": several("a/b", "c/d"),
            "score": several(9, 10),
        },
        "第0件在哪？",
        ("在上海，第0件。",),
    ),
    # code
    Layout(
        "codefeedback",
        {"query": ASK, "answer": REPLY, "resource": several("a", "b"), "lang": several("python", "rust")},
        ASK_0,
        (REPLY_0,),
    ),
    Layout("evol_code", {"instruction": ASK, "output": REPLY}, ASK_0, (REPLY_0,)),
    Layout(
        "magicoder",
        {
            "lang": several("python", "java"),
            "raw_index": NUMBER,
            "index": NUMBER,
            "seed": TEXT,
            "openai_fingerprint": "fp{i}",
            "problem": ASK,
            "solution": REPLY,
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "python_18k",
        {"instruction": ASK, "input": "", "output": REPLY, "prompt": "Below is a task. " + ASK + " " + REPLY},
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "tiny_codes",
        {
            "prompt": ASK,
            "main_topic": several("Science", "Art"),
            "adjective": several("easy", "hard"),
            "programming_language": several("Rust", "C++"),
            "idx": NUMBER,
            "response": REPLY,
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "bird",
        {"db_id": several("shop", "club"), "question": ASK, "evidence": SHORT, "SQL": "SELECT {i}"},
        ASK_0,
        ("SELECT 0",),
    ),
    Layout(
        "clinton_sql",
        {
            "instruction": "Write SQL for: " + ASK,
            "input": "CREATE TABLE a (b int)",
            "response": "SELECT {i}",
            "source": several("a", "b"),
            "text": "Below: SELECT {i}",
        },
        f"Write SQL for: {ASK_0}\nCREATE TABLE a (b int)",
        ("SELECT 0",),
    ),
    Layout(
        "wikisql",
        {
            "phase": 1,
            "question": ASK,
            "table": {"header": ["a", "b"], "name": "t{i}"},
            "sql": {"human_readable": "SELECT {i}", "sel": 0, "agg": 0},
        },
        ASK_0,
        ('{"human_readable": "SELECT 0", "sel": 0, "agg": 0}',),
    ),
    # questions
    Layout(
        "hotpotqa",
        {
            "id": "h{i}",
            "question": ASK,
            "answer": "depot {i}",
            "type": several("bridge", "comparison"),
            "level": several("easy", "hard"),
            "context": {"title": ["a"], "sentences": [["b", "c"]]},
        },
        refused="context: found",
    ),
    Layout(
        "adversarial_qa",
        {
            "id": "a{i}",
            "title": "Depots",
            "context": TEXT,
            "question": ASK,
            "answers": {"text": ["depot {i}"], "answer_start": [3]},
            "metadata": {"split": "train", "model_in_the_loop": "x"},
        },
        f"{TEXT_0}\n\n{ASK_0}",
        ("depot 0",),
    ),
    Layout(
        "tweet_qa",
        {"Question": ASK, "Answer": ["depot {i}", "the depot"], "Tweet": TEXT, "qid": "q{i}"},
        f"{TEXT_0}\n\n{ASK_0}",
        ("depot 0", "the depot"),
    ),
    Layout("medquad", {"qtype": several("symptoms", "causes"), "Question": ASK, "Answer": LONG}, ASK_0, (LONG_0,)),
    Layout(
        "truthful_qa",
        {
            "type": several("Adversarial", "Other"),
            "category": several("Law", "Health"),
            "question": ASK,
            "best_answer": REPLY,
            "correct_answers": [REPLY, SHORT],
            "incorrect_answers": ["No."],
            "source": "http://x/{i}",
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "strategy_qa",
        {
            "qid": "s{i}",
            "term": "depot {i}",
            "description": SHORT,
            "question": ASK,
            "answer": several(True, False),
            "facts": ["a", "b"],
            "decomposition": ["c"],
        },
        ASK_0,
        ("true",),
    ),
    Layout(
        "coqa",
        {
            "source": several("cnn", "race"),
            "story": TEXT,
            "questions": [ASK, "Why?"],
            "answers": {"input_text": ["a", "b"], "answer_start": [1, 2]},
        },
        refused=UNSURE,
    ),
    Layout(
        "know_sql",
        {"context": "CREATE TABLE a (b int)", "question": ASK, "answer": "SELECT {i}"},
        f"CREATE TABLE a (b int)\n\n{ASK_0}",
        ("SELECT 0",),
    ),
    Layout(
        "baike zh",
        {
            "qid": "q{i}",
            "category": several("教育", "健康"),
            "title": "第{i}件在哪？",
            "desc": "我寄了第{i}件，很久了。",
            "answer": "在上海，第{i}件，请放心。",
        },
        "第0件在哪？\n我寄了第0件，很久了。",
        ("在上海，第0件，请放心。",),
    ),
    Layout(
        "zhihu kol",
        {"INSTRUCTION": "第{i}件在哪？", "RESPONSE": "在上海{i}。", "SOURCE": "Zhihu", "METADATA": '{"a": {i}}'},
        "第0件在哪？",
        ("在上海0。",),
    ),
    Layout(
        "huatuo encyclopedia",
        {"questions": [["第{i}种药怎么吃？", "怎么吃第{i}种药？"]], "answers": ["饭后{i}。"]},
        refused=UNSURE,
    ),
    # options
    Layout(
        "medqa",
        {
            "question": PAN,
            "answer": several("blue", "red"),
            "options": {"A": "red", "B": "blue"},
            "meta_info": several("step1", "step2&3"),
            "answer_idx": LETTERS,
            "metamap_phrases": ["pan", "hot"],
        },
        PAN_0,
        ("B",),
    ),
    Layout(
        "mmlu_pro",
        {
            "question_id": NUMBER,
            "question": PAN,
            "options": ["red", "blue"],
            "answer": LETTERS,
            "answer_index": several(1, 0),
            "cot_content": "",
            "category": several("law", "math"),
            "src": "x",
        },
        PAN_0,
        ("B",),
    ),
    Layout(
        "qasc",
        {
            "id": "q{i}",
            "question": PAN,
            "choices": {"text": ["red", "blue"], "label": ["A", "B"]},
            "answerKey": LETTERS,
            "fact1": SHORT,
            "fact2": SHORT,
            "combinedfact": SHORT,
            "formatted_question": PAN + " (A) red (B) blue",
        },
        PAN_0,
        ("B",),
    ),
    Layout(
        "reclor",
        {"context": TEXT, "question": PAN, "answers": ["red", "blue"], "label": several(1, 0), "id_string": "r{i}"},
        f"{TEXT_0}\n\n{PAN_0}",
        ("B",),
    ),
    Layout(
        "casehold",
        {
            "example_id": NUMBER,
            "citing_prompt": PAN,
            "holding_0": "red",
            "holding_1": "blue",
            "label": several("1", "0"),
        },
        PAN_0,
        ("B",),
    ),
    Layout(
        "math_qa",
        {
            "Problem": PAN,
            "Rationale": LONG,
            "options": "a ) red , b ) blue",
            "correct": several("b", "a"),
            "annotated_formula": "add({i})",
            "category": several("gain", "physics"),
        },
        refused=UNSURE,
    ),
    Layout(
        "gpqa",
        {
            "Question": PAN,
            "Correct Answer": "blue {i}",
            "Incorrect Answer 1": "red",
            "Incorrect Answer 2": "green",
            "Incorrect Answer 3": "grey",
            "Explanation": LONG,
            "Subdomain": several("Physics", "Chemistry"),
        },
        PAN.replace("{i}", "0"),
        ("blue 0",),
    ),
    Layout(
        "dream",
        {"dialogue": ["W: Hello.", "M: Hi {i}."], "question": PAN, "choice": ["red", "blue"], "answer": "blue"},
        "W: Hello.\nM: Hi 0.\n\n" + PAN_0,
        ("B",),
    ),
    # classification
    Layout("financial_phrasebank", {"sentence": TEXT, "label": several("positive", "neutral")}, TEXT_0, ("positive",)),
    Layout(
        "fingpt sentiment",
        {"input": TEXT, "output": several("positive", "negative"), "instruction": "What is the sentiment?"},
        f"What is the sentiment?\n{TEXT_0}",
        ("positive",),
    ),
    Layout(
        "snips csv",
        {"text": TEXT, "category": several("PlayMusic", "GetWeather")},
        TEXT_0,
        ("PlayMusic",),
        container="csv",
    ),
    Layout(
        "newsgroups",
        {"text": TEXT, "label": several(7, 4), "label_text": several("rec.autos", "comp.sys")},
        TEXT_0,
        ("rec.autos",),
    ),
    Layout(
        "amazon_us_reviews tsv",
        {
            "marketplace": "US",
            "customer_id": NUMBER,
            "review_id": "R{i}",
            "product_title": SHORT,
            "product_category": "Toys",
            "star_rating": several(5, 1, 4),
            "helpful_votes": several(0, 2),
            "vine": several("N", "Y"),
            "review_headline": "Number {i}",
            "review_body": TEXT,
            "review_date": "2015-08-{i}",
        },
        f"Number 0\n{TEXT_0}",
        ("5",),
        container="tsv",
    ),
    Layout(
        "iflytek",
        {"label": several("11", "95"), "label_des": several("薅羊毛", "借贷"), "sentence": "第{i}个应用。"},
        "第0个应用。",
        ("薅羊毛",),
    ),
    Layout(
        "weibo csv", {"label": BINARY, "review": "第{i}条微博，真好。"}, "第0条微博，真好。", ("1",), container="csv"
    ),
    Layout(
        "toxic_conversations",
        {"text": TEXT, "label": BINARY, "label_text": several("toxic", "not toxic")},
        TEXT_0,
        ("toxic",),
    ),
    Layout(
        "civil_comments",
        {"text": TEXT, "toxicity": several(0.5, 0.0), "insult": several(0.5, 0.1), "threat": several(0.0, 0.2)},
        refused=UNSURE,
    ),
    Layout("xnli", {"premise": TEXT, "hypothesis": SHORT, "label": THREE}, f"{TEXT_0}\n{SHORT_0}", ("2",)),
    Layout(
        "rte", {"sentence1": TEXT, "sentence2": SHORT, "label": BINARY, "idx": NUMBER}, f"{TEXT_0}\n{SHORT_0}", ("1",)
    ),
    Layout(
        "vitaminc",
        {
            "unique_id": "v{i}",
            "case_id": "c{i}",
            "claim": SHORT,
            "evidence": TEXT,
            "label": several("SUPPORTS", "REFUTES"),
            "page": several("Depot", "Parcel"),
            "revision_type": "real",
        },
        f"{SHORT_0}\n{TEXT_0}",
        ("SUPPORTS",),
    ),
    Layout(
        "multirc",
        {
            "paragraph": TEXT,
            "question": ASK,
            "answer": "depot {i}",
            "idx": {"paragraph": 0, "answer": 1},
            "label": BINARY,
        },
        refused="preference data",
    ),
    Layout(
        "wic",
        {
            "word": several("place", "bank", "light"),
            "sentence1": TEXT,
            "sentence2": SHORT,
            "start1": NUMBER,
            "end1": NUMBER,
            "label": BINARY,
        },
        refused=UNSURE,
    ),
    # texts
    Layout("multi_news", {"document": TEXT, "summary": REPLY}, TEXT_0, (REPLY_0,)),
    Layout(
        "dialogsum csv",
        {"id": "d{i}", "dialogue": TEXT, "summary": REPLY, "topic": "mail {i}"},
        TEXT_0,
        (REPLY_0,),
        container="csv",
    ),
    Layout(
        "xlsum",
        {"id": "x{i}", "url": "http://x/{i}", "title": "Number {i}", "summary": REPLY, "text": LONG},
        LONG_0,
        (REPLY_0,),
    ),
    Layout(
        "reddit_tifu",
        {"ups": NUMBER, "num_comments": NUMBER, "document": LONG, "tldr": REPLY, "title": "Number {i}"},
        f"Number 0\n{LONG_0}",
        (REPLY_0,),
    ),
    Layout("wikihow csv", {"headline": REPLY, "title": "Number {i}", "text": LONG}, refused=UNSURE, container="csv"),
    Layout("translation zh", {"english": TEXT, "chinese": "第{i}封信。"}, TEXT_0, ("第0封信。",)),
    Layout("en-fr csv", {"en": TEXT, "fr": "Une lettre {i}."}, TEXT_0, ("Une lettre 0.",), container="csv"),
    Layout("paradetox", {"en_toxic_comment": TEXT, "en_neutral_comment": SHORT}, TEXT_0, (SHORT_0,)),
    Layout("asset", {"original": TEXT, "simplifications": [SHORT, "A letter."]}, TEXT_0, (SHORT_0, "A letter.")),
    Layout("wikilarge", {"Normal": TEXT, "Simple": SHORT}, TEXT_0, (SHORT_0,)),
    Layout(
        "common_gen",
        {"concept_set_idx": NUMBER, "concepts": ["dog", "run", "{i}"], "target": SHORT},
        "dog\nrun\n0",
        (SHORT_0,),
    ),
    Layout(
        "paraphrases csv",
        {
            "text": TEXT,
            "paraphrases": "['a letter {i}']",
            "category": several("question", "s"),
            "source": several("quora", "cnn"),
        },
        TEXT_0,
        ("['a letter 0']",),
        container="csv",
    ),
    # chats and instructions
    Layout(
        "openorca", {"id": "o{i}", "system_prompt": "Be brief.", "question": ASK, "response": REPLY}, ASK_0, (REPLY_0,)
    ),
    Layout(
        "aya",
        {
            "inputs": ASK,
            "targets": REPLY,
            "language": several("English", "Thai"),
            "user_id": "u{i}",
            "annotation_type": "original-annotations",
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout("gpteacher", {"instruction": ASK, "input": "", "response": REPLY}, ASK_0, (REPLY_0,)),
    Layout("finance_alpaca", {"instruction": ASK, "input": "", "output": REPLY, "text": ""}, ASK_0, (REPLY_0,)),
    Layout(
        "disc_law",
        {"id": "d{i}", "input": "第{i}案怎么判？", "output": "第{i}案判三年。"},
        "第0案怎么判？",
        ("第0案判三年。",),
    ),
    Layout(
        "lmsys_chat",
        {
            "conversation_id": "c{i}",
            "model": several("a", "b"),
            "conversation": TURNS,
            "turn": 1,
            "language": "English",
            "redacted": False,
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout("instruct_v3", {"prompt": ASK, "response": REPLY, "source": several("dolly", "hh")}, ASK_0, (REPLY_0,)),
    Layout(
        "p3",
        {"inputs": [1, 2], "inputs_pretokenized": ASK, "targets": [3, 4], "targets_pretokenized": REPLY},
        ASK_0,
        (REPLY_0,),
    ),
    Layout("xp3", {"inputs": ASK, "targets": REPLY}, ASK_0, (REPLY_0,)),
    Layout(
        "unnatural",
        {"instruction": ASK, "instances": [{"instruction_with_input": ASK, "output": REPLY}]},
        refused=UNSURE,
    ),
    Layout("lccc", {"dialog": ["第{i}件在哪？", "在上海{i}。"]}, "第0件在哪？", ("在上海0。",)),
    Layout(
        "sharegpt zh",
        {
            "conversation_id": "c{i}",
            "category": several("a", "b"),
            "conversation": [{"human": ASK, "assistant": REPLY}],
        },
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "prosocial",
        {"context": ASK, "response": REPLY, "rots": ["Be kind."], "safety_label": several("a", "b"), "source": "x"},
        ASK_0,
        (REPLY_0,),
    ),
    Layout(
        "apigen_mt",
        {"conversations": SHARED, "tools": '[{"name": "find"}]', "system": "Call tools."},
        ASK_0,
        (REPLY_0,),
    ),
    # preferences
    Layout(
        "orca_dpo",
        {"system": "Be brief.", "question": ASK, "chosen": REPLY, "rejected": SHORT},
        refused="preference data",
    ),
    Layout(
        "saferlhf",
        {
            "prompt": ASK,
            "response_0": REPLY,
            "response_1": SHORT,
            "is_response_0_safe": several(True, False),
            "better_response_id": BINARY,
            "safer_response_id": BINARY,
        },
        refused=UNSURE,
    ),
    Layout(
        "arena",
        {
            "model_a": several("a", "b"),
            "model_b": several("c", "d"),
            "winner": several("model_a", "tie"),
            "conversation_a": TURNS,
            "conversation_b": TURNS,
        },
        refused=UNSURE,
    ),
    Layout(
        "shp",
        {
            "post_id": "p{i}",
            "history": ASK,
            "human_ref_A": REPLY,
            "human_ref_B": SHORT,
            "labels": BINARY,
            "score_ratio": several(1.5, 2.0),
        },
        refused=UNSURE,
    ),
    Layout("tinystories", {"text": LONG}, refused="pretraining data"),
)

KEPT_APART = tuple(random.Random(18).sample(WRITTEN, 30))
MENDED = tuple(layout for layout in WRITTEN if layout not in KEPT_APART)
ASKED = {
    "paraphrases csv": 0,
    "bird": 1,
    "wmt": 0,
    "translation csv": 0,
    "translation zh": 0,
    "en-fr csv": 0,
    "opus_books parquet": 0,
    "openmathinstruct2": 1,
}
"""Layouts that two readings fit: `init` asks, and this one of the lines that it names is what is expected."""
