import pytest

from tunebook.words.numbers import (
    about,
    bytes_text,
    duration,
    margin_text,
    number,
    p_value,
    percent,
    points,
    rate,
    trial_list,
)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0.7123), "71.2"),
        (percent(-0.0001), "0.0"),
        (percent((0.64 + 0.665) / 2), "65.3"),
        (percent(0.6524999999999999), "65.3"),
        (percent(0.6525000000000001), "65.3"),
        (percent(0.125, 0), "13"),
        (points(0.0731), "+7.3"),
        (points(-0.0269), "-2.7"),
        (points(-0.0001), "0.0"),
        (rate(0.0006), "6e-4"),
        (rate(0.00031), "3.1e-4"),
        (rate(2e-3), "2e-3"),
        (number(0.00123), "0.00123"),
        (number(31.0, 2), "31"),
        (number(float("nan")), "nan"),
        (about(2015), "2,000"),
        (about(86), "86"),
        (margin_text(0.03), "3"),
        (margin_text(0.025), "2.5"),
        (duration(7800), "2 h 10"),
        (duration(125), "2 min 05 s"),
        (duration(59.6), "60 s"),
        (bytes_text(5 * 2**20), "5.0 MiB"),
        (p_value(0.00003), "< 0.0001"),
        (trial_list([3, 1, 2, 5, 9, 8]), "1-3, 5, 8-9"),
        (trial_list([]), ""),
    ],
)
def test_numbers_read_as_people_write_them(shown, expected):
    assert shown == expected
