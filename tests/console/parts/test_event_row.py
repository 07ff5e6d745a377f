"""An event's row of the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils.safestring import SafeString, mark_safe

from console.executions.event_words import EventLine
from console.parts.event_row import event_row
from executions.models import Event
from tests.builders import make_execution_id

E1 = make_execution_id(1)
AT = datetime(2026, 11, 21, 12, 0, 0, 250, tzinfo=UTC)
HOSTILE = "\"><script>alert(1)</script>'"


def line(
    *, text: str | SafeString = "", join_set_id: str | None = None, gap: timedelta | None = None, is_bad: bool = False
) -> EventLine:
    row = Event(execution_id=E1, version=7, created_at=AT, join_set_id=join_set_id)
    return EventLine(
        row=row, icon="flag", word="finished", text=text, since=timedelta(milliseconds=340), gap=gap, is_bad=is_bad
    )


def test_it_says_what_happened_and_when() -> None:
    html = event_row(line(text="ok", gap=timedelta(seconds=2), is_bad=True))

    assert f'data-open-url="/admin/executions/{E1}/events/7/"' in html
    assert 'title="2026-11-21 12:00:00.000250 UTC">340 ms</time>' in html
    assert ">+2.0 s</td>" in html
    assert '<td class="ob-sentence">ok</td>' in html
    assert 'class="ob-row-bad"' in html


def test_without_anything_more_to_say_it_says_so() -> None:
    html = event_row(line())

    assert '<td class="ob-sentence"><span class="ob-none">—</span></td>' in html
    assert '<td class="ob-num ob-gap ob-subtle"></td>' in html
    assert "ob-row-bad" not in html


def test_what_others_wrote_is_inert() -> None:
    html = event_row(line(text=HOSTILE, join_set_id=HOSTILE))

    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 3
    assert 'href="?join_set=%22%3E%3Cscript%3E' in html


def test_links_in_the_sentence_stay_links() -> None:
    assert '<a href="/x">x</a>' in event_row(line(text=mark_safe('<a href="/x">x</a>')))
