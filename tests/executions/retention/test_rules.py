from __future__ import annotations

from datetime import timedelta

import pytest

from executions.retention.rules import Outcome, RetentionRule, keep_for, parse_rules, shortest

DAY = timedelta(days=1)


def test_rules_are_read_in_order() -> None:
    assert parse_rules("shop:*/* ok 7d, * failure keep ,* any 90s,") == (
        RetentionRule("shop:*/*", Outcome.OK, 7 * DAY),
        RetentionRule("*", Outcome.FAILURE, None),
        RetentionRule("*", Outcome.ANY, timedelta(seconds=90)),
    )
    assert parse_rules("") == ()


@pytest.mark.parametrize(
    ("ffqn", "result_kind", "expected"),
    [
        ("shop:orders/api.pay", "ok", 7 * DAY),
        ("shop:orders/api.pay", "error", DAY),
        ("other:x/api.f", "ok", DAY),
        ("other:x/api.f", "timed_out", None),
        ("other:x/api.f", "cancelled", None),
    ],
)
def test_the_first_rule_that_fits_counts(ffqn: str, result_kind: str, expected: timedelta | None) -> None:
    rules = parse_rules("shop:*/* ok 7d, * failure keep, * any 1d")

    assert keep_for(rules, ffqn=ffqn, result_kind=result_kind) == expected


def test_what_no_rule_fits_is_kept() -> None:
    assert keep_for(parse_rules("shop:* ok 1d"), ffqn="a:b/c.d", result_kind="ok") is None
    assert shortest(parse_rules("* ok keep")) is None
    assert shortest(parse_rules("* ok 12h, * any 3d")) == timedelta(hours=12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30d", "'30d' is no rule; write a pattern, an outcome and an age, such as * ok 30d"),
        ("* done 30d", "'done' in '* done 30d' is no outcome; expected one of any, ok, error, failure"),
        ("* ok 30", "'* ok 30': '30' is no age; write 90s, 10m, 12h or 30d, or keep for ever"),
        ("* ok -3d", "is no age"),
        ("* ok 9999999d", "is no age"),
        ("* ok 999999d", "'* ok 999999d': '999999d' is more than 36500d, or keep for ever"),
    ],
)
def test_mistakes_are_one_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_rules(text)

    assert message in str(caught.value)
