"""How the console writes ids, times, durations and sizes."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test.utils import override_script_prefix
from django.urls import reverse
from django.utils import timezone

from console.templatetags.console import (
    duration,
    exact_duration,
    execution_url,
    ffqn,
    filesize,
    moment,
    nothing,
    or_nothing,
    short_id,
)
from tests.builders import make_execution_id


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.34, "340 ms"),
        (0.9999, "1.0 s"),
        (4.11, "4.1 s"),
        (59.96, "1 min"),
        (123, "2 min 03 s"),
        (3 * 3600 + 720, "3 h 12 min"),
        (90_000, "1 d 01 h"),
        (-5, "0 ms"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1200, "1.2 kB"), (8_300_000_000, "8.3 GB"), (2 * 10**15, "2000.0 TB")],
)
def test_sizes(count: int, text: str) -> None:
    assert filesize(count) == text


@pytest.mark.parametrize("derived", ["", ".n:workers_3", ".n:a/b_1.o:2-pay_7"])
def test_a_short_id_holds_the_whole_one(derived: str) -> None:
    whole = f"{make_execution_id(1)}{derived}"

    assert unescape(re.sub(r"<[^>]+>", "", short_id(whole))) == whole


def test_a_functions_package_stands_beneath_it() -> None:
    assert str(ffqn("a:b/c.d")) == '<span class="ob-fn" title="a:b/c.d">c.d<small>a:b</small></span>'


def test_moments_are_told_from_now() -> None:
    assert ">5 min ago<" in moment(timezone.now() - timedelta(minutes=5, seconds=1))
    assert ">in 2 h<" in moment(timezone.now() + timedelta(hours=2, minutes=1))


def test_where_there_is_nothing_the_same_stands_everywhere() -> None:
    assert {moment(None), duration(None), exact_duration(None), filesize(None), or_nothing("")} == {nothing()}
    assert (or_nothing(0), or_nothing("<b>")) == (0, "<b>")


@pytest.mark.parametrize("derived", ["", ".o:1-fibo_1", ".n:pay-all_2.g:1_10"])
def test_an_executions_address_is_what_the_table_of_addresses_says(derived: str) -> None:
    execution_id = f"{make_execution_id(1)}{derived}"
    with override_script_prefix("/below/"):
        assert execution_url(execution_id) == reverse("admin:console_execution", args=[execution_id])
    assert execution_url(execution_id) == reverse("admin:console_execution", args=[execution_id])
