"""From a study's data to a workload: splits, checks, token ids, summary."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from jinja2 import Environment
from jinja2.exceptions import TemplateError

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor
from tunebook.core.metric import AnswerSource
from tunebook.core.space import SearchSpace
from tunebook.core.study import Budget, DataSpec
from tunebook.data import prepare
from tunebook.data.examples import DataExample
from tunebook.data.template import TOOLS_HEADING, Encoder
from tunebook.errors import DataError, ModelError
from tunebook.testing.sample_study import bare_spec
from tunebook.testing.tiny_model import letter_tokenizer
from tunebook.words import words_for

TEMPLATE = (
    "{% for m in messages %}{% if loop.first and m.role != 'system' %}[system|default]{% endif %}"
    "[{{ m.role }}|{{ m.content }}]{% endfor %}{% if add_generation_prompt %}[assistant|{% endif %}"
)


class Letters:
    """A tokenizer whose tokens are characters; token 0 ends a text."""

    eos_token_id: int | None = 0

    def __init__(self, chat_template: str | None = TEMPLATE) -> None:
        self.chat_template = chat_template

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": [ord(c) for c in text]}

    def apply_chat_template(self, messages, add_generation_prompt, tokenize, return_dict, **values) -> list[int]:
        def fail(message: str) -> None:
            raise TemplateError(message)

        template = Environment().from_string(self.chat_template, globals={"raise_exception": fail})
        return [
            ord(c) for c in template.render(messages=messages, add_generation_prompt=add_generation_prompt, **values)
        ]

    @staticmethod
    def text(ids) -> str:
        return "".join("$" if i == 0 else chr(i) for i in ids)


def rows(n: int, start: int = 0, **more) -> list[dict]:
    return [{"prompt": f"{i} + {i}?", "completion": str(i % 4), **more} for i in range(start, start + n)]


@pytest.fixture
def study(tmp_path: Path):
    """Writes files and prepares a study of them; keyword arguments change the data section or the study."""

    def make(train, validation=None, test=None, tokenizer=None, context=None, vocabulary=None, **changes):
        data = {"train": "train.jsonl"}
        for name, content in (("train", train), ("validation", validation), ("test", test)):
            if content is not None:
                (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))
                data[name] = f"{name}.jsonl"
        names = {f.name for f in dataclasses.fields(DataSpec)}
        data |= {key: value for key, value in changes.items() if key in names}
        spec = bare_spec(data=DataSpec(**data), baseline=Configuration(max_length=64), budget=Budget(10))
        spec = dataclasses.replace(spec, **{key: value for key, value in changes.items() if key not in names})
        answers = AnswerSource.CHOICE if spec.metric == "choice" else AnswerSource.GENERATION
        return prepare(spec, tokenizer or Letters(), tmp_path, context, answers=answers, vocabulary=vocabulary)

    return make


def codes(data) -> list[str]:
    return [warning.code for warning in data.warnings]


def test_prompt_goes_through_the_chat_template_and_answer_ends_the_text(study) -> None:
    data = study(rows(60), rows(60, 100))
    first = data.workload.train[0]
    assert Letters.text(first.prompt_ids) == "[system|default][user|0 + 0?][assistant|"
    assert Letters.text(first.completion_ids) == "0$"
    assert data.workload.scoring.stop_ids == (0,)
    assert data.workload.scoring.max_new_tokens == 1 + 8
    assert data.workload.splits.keys() == {"validation"}
    assert data.examples["validation"][3].prompt == "103 + 103?"
    assert data.examples["validation"][3].gold == "3"


def test_system_message_of_the_study_is_for_rows_without_one(study) -> None:
    own = {
        "messages": [
            {"role": "system", "content": "Own."},
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "1"},
        ]
    }
    none = [
        {"messages": [{"role": "user", "content": f"{i}"}, {"role": "assistant", "content": str(i % 2)}]}
        for i in range(60)
    ]
    data = study(
        [own, *none],
        [
            {"messages": [{"role": "user", "content": f"v{i}"}, {"role": "assistant", "content": str(i % 2)}]}
            for i in range(50)
        ],
        system="Brief.",
    )
    assert Letters.text(data.workload.train[0].prompt_ids).startswith("[system|Own.]")
    assert Letters.text(data.workload.train[1].prompt_ids).startswith("[system|Brief.]")
    assert Letters.text(data.workload.splits["validation"][0].prompt_ids).startswith("[system|Brief.]")


def test_validation_is_split_off_by_seed_when_there_is_none(study) -> None:
    data = study(rows(300), group=None)
    assert (data.facts.n_train, data.facts.n_validation) == (240, 60)
    assert data.summary["validation_from"] == "train"
    prompts = {e.prompt for e in data.examples["validation"]}
    trained = {Letters.text(e.prompt_ids).split("|")[-2].removesuffix("][assistant") for e in data.workload.train}
    assert not prompts & trained
    assert len(prompts | trained) == 300


def test_part_of_the_training_rows_is_used_and_all_are_kept_for_the_end(study) -> None:
    data = study(rows(200), rows(50, 500), train_rows=80)
    assert len(data.workload.train) == data.facts.n_train == 80
    assert len(data.train_all) == 200
    assert set(data.workload.train) < set(data.train_all)
    assert data.summary["rows"]["train"] == {"read": 200, "used": 80}


def test_test_split_stays_closed_until_it_is_opened(study) -> None:
    data = study(rows(60), rows(60, 100), rows(70, 200))
    assert "test" not in data.workload.splits
    opened = data.with_test()
    assert len(opened.splits["test"]) == data.facts.n_test == 70
    assert opened.splits["validation"] == data.workload.splits["validation"]
    assert "test" not in data.workload.splits


def test_hashes_are_those_of_the_files(study, tmp_path: Path) -> None:
    data = study(rows(60), rows(60, 100))
    sources = {"train": "train.jsonl", "validation": "validation.jsonl"}
    files = {role: (tmp_path / source).read_bytes() for role, source in sources.items()}
    assert data.hashes == {role: hashlib.sha256(content).hexdigest() for role, content in files.items()}


@pytest.mark.parametrize("split", ["validation", "test"])
def test_same_example_in_two_splits_is_refused_unless_allowed(study, split: str) -> None:
    leaking = [*rows(58, 100), {"prompt": "3 +  3?", "completion": "3"}, {"prompt": "7 + 7?", "completion": "3 "}]
    files = {"validation": rows(60, 300), split: leaking}
    with pytest.raises(DataError) as caught:
        study(rows(60), **files)
    assert f"{split}.jsonl: 2 rows of {split} stand in train too" in str(caught.value)
    assert f"({split}.jsonl:59 = train.jsonl:4, {split}.jsonl:60 = train.jsonl:8)" in str(caught.value)
    allowed = study(rows(60), **files, allow_overlap=True)
    assert codes(allowed) == ["overlap"]
    places = [f"{split}.jsonl:59 = train.jsonl:4", f"{split}.jsonl:60 = train.jsonl:8"]
    assert allowed.warnings[0].values == {"split": split, "other": "train", "count": 2, "rows": places}


def test_same_example_in_validation_and_test_is_refused(study) -> None:
    with pytest.raises(DataError, match=r"test.jsonl: 60 rows of test stand in validation too .*, \.\.\.\)"):
        study(rows(60), rows(60, 100), rows(60, 100))


def test_same_question_with_another_answer_and_duplicates_are_warned_of(study) -> None:
    train = [*rows(60), {"prompt": "3 + 3?", "completion": "3"}, {"prompt": "3 + 3?", "completion": "0"}]
    data = study(train, [*rows(60, 100), {"prompt": "5 + 5?", "completion": "0"}])
    assert codes(data) == ["shared_questions", "duplicates"]
    assert data.warnings[1].values == {"source": "train.jsonl", "split": "train", "count": 2, "contradicting": 1}
    assert said(data.warnings[1]) == (
        "train.jsonl: 2 rows of train repeat an earlier question, 1 of them with another answer."
    )


def test_one_label_is_refused_and_for_a_users_own_metric_only_warned_of(study) -> None:
    same = [{"prompt": f"{i}", "completion": "yes"} for i in range(60)]
    with pytest.raises(DataError, match=r'train.jsonl: all 60 training rows have the same answer, "yes"'):
        study(same, rows(60, 100))
    with pytest.raises(DataError, match=r"validation.jsonl: all 60 validation rows have the same answer"):
        study(rows(60, 100), same)
    assert "one_label" in codes(study(same, rows(60, 100), metric="my:score"))


def test_labels_that_training_never_shows_are_warned_of(study) -> None:
    test = [*rows(60, 200), {"prompt": "new", "completion": "9"}]
    data = study(rows(60), rows(60, 100), test)
    assert codes(data) == ["unseen_labels"]
    assert data.warnings[0].values == {"split": "test", "labels": ["9"], "rows": 1}
    assert said(data.warnings[0]) == (
        '1 answer of test ("9"; 1 row) never occurs in the training rows, so no configuration can learn it.'
    )


def test_few_validation_rows_are_warned_of(study) -> None:
    assert codes(study(rows(60), rows(12, 100))) == ["few_validation_rows"]


def test_rows_cut_by_max_length_are_counted_for_every_level(study) -> None:
    long = {"prompt": "x" * 60, "completion": "1"}
    long_answer = {"prompt": "?", "completion": "2" * 40}
    space = SearchSpace((Factor("max_length", (64, 200)),))
    data = study([*rows(60), long, long_answer], rows(60, 100), space=space)
    assert data.summary["by_max_length"] == {
        "64": {"truncated": 2, "without_answer": 1},
        "200": {"truncated": 0, "without_answer": 0},
    }
    assert codes(data) == ["answers_cut_off"]
    assert said(data.warnings[0]) == (
        "max_length 64 leaves nothing of the answer in 1 of 62 training rows; they are skipped at that length."
    )


def test_max_length_that_leaves_no_answer_at_all_is_refused(study) -> None:
    with pytest.raises(DataError, match=r"max_length: found 16; every training prompt has at least \d+ tokens"):
        study(rows(60), rows(60, 100), space=SearchSpace((Factor("max_length", (16, 64)),)))


def test_rows_beyond_the_models_context_are_cut_and_told(study) -> None:
    long = {"prompt": "x" * 100, "completion": "1"}
    data = study([*rows(60), long], [*rows(60, 100), {"prompt": "y" * 120, "completion": "2"}], context=64)
    assert codes(data) == ["answers_cut_off", "beyond_context", "beyond_context_scored"]
    place = "train.jsonl:61"
    assert data.warnings[1].values == {"count": 1, "longest": 136, "context": 64, "place": place}
    assert data.workload.train[-1].n_tokens == data.facts.longest_tokens == 64
    scored = data.workload.splits["validation"][-1]
    assert Letters.text(scored.completion_ids) == "2$"
    assert len(scored.prompt_ids) == 64 - data.workload.scoring.max_new_tokens
    assert Letters.text(scored.prompt_ids).endswith("yy][assistant|")
    assert all(
        len(e.prompt_ids) + data.workload.scoring.max_new_tokens <= 64 for e in data.workload.splits["validation"]
    )


def test_scored_answer_longer_than_the_context_is_refused(study) -> None:
    with pytest.raises(DataError, match=r"validation.jsonl:61: the answer has 71 tokens; the model's context is 64"):
        study(rows(60), [*rows(60, 100), {"prompt": "y", "completion": "2" * 70}], context=64)


def test_prompts_that_fill_the_context_are_refused_with_advice_that_works(study) -> None:
    long = [{"prompt": f"{i} " + "x" * 100, "completion": str(i % 2)} for i in range(120)]
    told = r"train.jsonl:1: every training prompt has at least 1\d\d tokens, and the model's context is 64.*Shorten"
    with pytest.raises(DataError, match=told):
        study(long[:60], long[60:], context=64)


def test_choices_are_the_training_answers_or_those_of_the_study_file(study) -> None:
    data = study(rows(60), rows(60, 100), metric="choice")
    assert data.choices == ("0", "1", "2", "3")
    assert data.workload.scoring.kind == "choice"
    assert [Letters.text(ids) for ids in data.workload.scoring.choices] == ["0$", "1$", "2$", "3$"]
    assert study(rows(60), rows(60, 100), metric="choice", choices=("3", "2", "1", "0")).choices == ("3", "2", "1", "0")


@pytest.mark.parametrize(("before", "after"), [("", "\n"), (" ", ""), ("  ", "\n\n")])
@pytest.mark.parametrize("template", [TEMPLATE, None])
def test_options_are_tokenised_as_they_are_trained(study, before: str, after: str, template: str | None) -> None:
    train, validation = (
        [{**row, "completion": before + row["completion"] + after} for row in some]
        for some in (rows(60), rows(60, 100))
    )
    train[0]["completion"] = "0"  # a slip of one row changes nothing
    data = study(train, validation, tokenizer=Letters(template), metric="choice", choices=("0", "1", "2", "3", "4"))
    learnt = {example.completion_ids for example in data.workload.train[1:]}
    assert set(data.workload.scoring.choices[:4]) == learnt
    assert data.workload.scoring.choices[4] == Encoder(Letters(template)).completion_ids(before + "4" + after)
    assert data.choices == ("0", "1", "2", "3", "4")


def test_options_that_differ_in_case_or_blanks_are_named(study) -> None:
    answers = ["Hardware", "hardware", "net  work", "net work", "other"]
    train, validation = (
        [{"prompt": f"q{i}", "completion": answers[i % 5]} for i in range(start, start + 60)] for start in (0, 100)
    )
    notice = study(train, validation, metric="choice").warnings[-1]
    assert notice.code == "similar_choices"
    assert notice.values == {"choices": [["Hardware", "hardware"], ["net  work", "net work"]]}
    assert '"Hardware", "hardware"; "net  work", "net work"' in said(notice)
    assert "similar_choices" not in codes(study(rows(60), rows(60, 100), metric="choice"))


def test_metric_choice_refuses_what_it_cannot_choose_among(study) -> None:
    with pytest.raises(DataError, match=r'validation.jsonl:61: the answer "9" is none of the 4 choices'):
        study(rows(60), [*rows(60, 100), {"prompt": "new", "completion": "9"}], metric="choice")
    many = [{"prompt": f"{i}", "completion": f"a{i}"} for i in range(60)]
    with pytest.raises(DataError, match="60 different completions"):
        study(many, rows(60, 100), metric="choice")


def test_groups_and_commonest_answer_go_to_the_planner(study) -> None:
    validation = [{**row, "kind": "even" if i % 2 else "odd"} for i, row in enumerate(rows(50, 100))]
    data = study(rows(60, kind="x"), validation, group="kind")
    assert data.facts.groups[:2] == ("odd", "even")
    assert data.facts.commonest_share == pytest.approx(13 / 50)
    assert data.summary["groups"] == {"odd": 25, "even": 25}
    assert data.examples["validation"][1].group == "even"
    assert data.places["validation"][6] == "validation.jsonl:7"


def test_summary_is_json_and_counts_labels_and_tokens(study) -> None:
    data = study(rows(60), rows(60, 100), rows(50, 200))
    summary = json.loads(json.dumps(data.summary))
    assert summary["labels"]["train"] == {"0": 15, "1": 15, "2": 15, "3": 15}
    assert summary["tokens"]["train"]["max"] == data.facts.longest_tokens
    assert summary["rows"] == {"train": {"read": 60, "used": 60}, "validation": {"used": 60}, "test": {"used": 50}}
    assert (summary["format"], summary["template"]) == ("prompt_completion", "chat_template")


def test_tokenizer_without_chat_template_gets_a_plain_format() -> None:
    encoder = Encoder(Letters(None))
    assert encoder.format == "plain"
    one = encoder.encode(DataExample(index=0, messages=(("user", "Kind:"),), completion="human"), "a:1")
    assert (Letters.text(one.prompt_ids), Letters.text(one.completion_ids)) == ("Kind:", " human$")
    turns = (("system", "S"), ("user", "a"), ("assistant", "b"), ("user", "c"))
    chat = encoder.encode(DataExample(index=0, messages=turns, completion="d"), "a:1")
    assert Letters.text(chat.prompt_ids) == "System: S\nUser: a\nAssistant: b\nUser: c\nAssistant:"
    assert Letters.text(chat.completion_ids) == " d$"


def test_tools_go_into_the_template_or_the_system_message() -> None:
    example = DataExample(index=0, messages=(("user", "a"),), completion="b", tools='[{"name": "f"}]')
    in_system = Encoder(Letters()).encode(example, "a:1")
    assert Letters.text(in_system.prompt_ids).startswith(f"[system|{TOOLS_HEADING}\n" + '[{"name": "f"}]')
    taking = Encoder(Letters("{{ tools[0].name }}:{{ messages[0].content }}"))
    assert Letters.text(taking.encode(example, "a:1").prompt_ids) == "f:a"


def test_template_that_refuses_the_turns_names_the_row() -> None:
    refusing = Encoder(Letters("{{ raise_exception('roles must alternate') }}"))
    told = r"a.jsonl:7: the model's chat template refuses these turns \(user\).*alternate"
    with pytest.raises(DataError, match=told):
        refusing.encode(DataExample(index=0, messages=(("user", "a"),), completion="b"), "a.jsonl:7")


def test_tokenizer_without_end_of_text_is_refused() -> None:
    tokenizer = Letters()
    tokenizer.eos_token_id = None
    with pytest.raises(ModelError, match="no end-of-text token"):
        Encoder(tokenizer)


TURNS = "{% for m in messages %}<turn>{{ m.role }}\n{{ m.content }}<end>\n{% endfor %}"
ASKED = "{% if add_generation_prompt %}<turn>assistant\n{% endif %}"


@pytest.mark.parametrize(
    ("template", "answer", "learnt"),
    [
        (TURNS + ASKED, "yes", "yes<end>"),
        (TURNS + ASKED, "yes\n", "yes\n<end>"),
        (TURNS.replace("m.content", "m.content | trim") + ASKED, " yes\n", "yes<end>"),
        (TURNS.replace("<end>", " <end>") + ASKED, "yes", "yes <end>"),
        (TURNS.replace("<end>", "<end>\n{{ eos_token }}") + ASKED, "yes", "yes<end>"),
        (TURNS.replace("<end>", "") + ASKED, "yes", "yes<eos>"),
        ("{{ raise_exception('one turn only') if messages | length > 1 }}" + TURNS + ASKED, "yes", "yes<eos>"),
    ],
)
def test_what_the_template_puts_at_the_end_of_a_turn_is_learnt(template: str, answer: str, learnt: str) -> None:
    tokenizer = letter_tokenizer(template, ("<turn>", "<end>", "<eos>"), "<eos>")
    encoder = Encoder(tokenizer, stops=(tokenizer.convert_tokens_to_ids("<turn>"),))
    assert encoder.text(encoder.completion_ids(answer)) == learnt
    ends = ["<end>", "<eos>", "<turn>"] if learnt.endswith("<end>") else ["<eos>", "<turn>"]
    assert list(map(encoder.token_text, encoder.stop_ids)) == ends


def test_the_very_text_that_is_learnt_is_shown(study) -> None:
    tokenizer = letter_tokenizer(TURNS + ASKED, ("<turn>", "<end>", "<eos>"), "<eos>")
    shown = study(rows(60), rows(60, 100), tokenizer=tokenizer, vocabulary=len(tokenizer)).shown
    assert shown.place == "train.jsonl:1"
    assert shown.prompt == "<turn>user\n0 + 0?<end>\n<turn>assistant\n"
    assert (shown.learnt, shown.stops, shown.options) == ("0<end>", ("<end>", "<eos>"), ())
    values = {"prompt": shown.prompt, "learnt": shown.learnt, "stops": shown.stops, "options": ()}
    assert words_for("en").plan_example(shown.place, **values, metric="exact_match") == [
        "example: train.jsonl:1, as the model sees it",
        r"  prompt: <turn>user\n0 + 0?<end>\n<turn>assistant\n",
        "  learnt: 0<end>",
        "  scored: what is written after the prompt, up to <end> or <eos>, by exact_match",
    ]
    chinese = words_for("zh").plan_example(shown.place, **values | {"options": ("0<end>", "1<end>")}, metric="choice")
    assert chinese[2:] == ["  学习：0<end>", "  评分：2 个选项各自的似然：0<end>、1<end>"]


def test_a_token_beyond_the_embedding_is_refused_by_name(study) -> None:
    tokenizer = letter_tokenizer(TURNS + ASKED, ("<turn>", "<end>", "<eos>"), "<eos>")
    tokenizer.add_tokens(["<TICKET>"])
    train = [*rows(60), {"prompt": "<TICKET> 3?", "completion": "3"}]
    n = len(tokenizer)
    assert study(train, rows(60, 100), tokenizer=tokenizer, vocabulary=n).shown is not None
    told = rf'train.jsonl:61: token "<TICKET>" is number {n - 1}, and the model has {n - 1} rows'
    with pytest.raises(DataError, match=told):
        study(train, rows(60, 100), tokenizer=tokenizer, vocabulary=n - 1)


def test_a_system_turn_that_is_not_the_rows_own_is_not_blamed_on_it() -> None:
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + TEMPLATE
    plain = DataExample(index=0, messages=(("user", "a"),), completion="b")
    with pytest.raises(DataError, match=r"^data.system: .* \(a.jsonl:7\).*no system.*Remove data.system"):
        Encoder(Letters(strict), "Brief.").encode(plain, "a.jsonl:7")
    tools = dataclasses.replace(plain, tools='[{"name": "f"}]')
    with pytest.raises(DataError, match=r"a.jsonl:7: .* takes no tools, so they were put into a system turn"):
        Encoder(Letters(strict)).encode(tools, "a.jsonl:7")
    own = dataclasses.replace(plain, messages=(("system", "Own."), ("user", "a")))
    with pytest.raises(DataError, match=r"a.jsonl:7: .* refuses these turns \(system, user\)"):
        Encoder(Letters(strict), "Brief.").encode(own, "a.jsonl:7")


def said(notice) -> str:
    return words_for("en").notice(notice)
