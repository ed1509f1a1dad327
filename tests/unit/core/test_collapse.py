"""A collapse is judged against the gold labels."""

from tunebook.core.divergence import collapse_reason


def reason(constant, accuracy, commonest, n=300):
    answers = ["positive"] * round(constant * n) + ["negative"] * (n - round(constant * n))
    return collapse_reason(answers, [True] * n, commonest, accuracy)


def test_one_answer_to_nearly_everything_is_a_collapse():
    assert reason(0.97, 0.65, 0.65) == "constant_answer"
    assert reason(0.97, 0.30, 0.35) == "constant_answer"


def test_one_answer_that_is_right_more_often_than_the_commonest_label_is_weak_and_not_collapsed():
    assert reason(0.93, 0.70, 0.65) is None


def test_answers_that_cannot_be_read_are_a_collapse_whatever_they_score():
    answers = ["?"] * 95 + ["positive"] * 5
    assert collapse_reason(answers, [False] * 95 + [True] * 5, 0.03, 0.05) == "unparsable_answers"
