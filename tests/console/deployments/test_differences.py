from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from components.models import Deployment
from components.services import prepare, store_inactive
from console.deployments.differences import differences, text_diff
from tests.executions.scripts import SLEEP_AND_SUM, SUM_UP, write_scripts

pytestmark = pytest.mark.django_db


def stored(folder: Path, name: str, flow: str, *, extra: str = "") -> Deployment:
    (folder / name).mkdir()
    return store_inactive(prepare(write_scripts(folder / name, flow, extra=extra)))[0]


def test_code_configuration_and_texts_are_told_by_component(tmp_path: Path) -> None:
    before = stored(tmp_path, "before", SUM_UP)
    after = stored(tmp_path, "after", SLEEP_AND_SUM, extra="exec.lock_expiry.seconds = 7")

    found = differences(before, after)

    [flow] = found.components
    assert (flow.name, flow.change) == ("flows.sum", "changed")
    assert flow.digests is not None
    assert [(each.key, each.before, each.after) for each in flow.config] == [("exec.lock_expiry_ms", 1000, 7000)]
    assert flow.page == after.components.get(name="flows.sum").digest
    assert found.toml.lines is not None
    assert ("ob-added", "+exec.lock_expiry.seconds = 7") in found.toml.lines


def test_against_nothing_everything_is_new(tmp_path: Path) -> None:
    found = differences(None, stored(tmp_path, "first", SUM_UP))

    assert {each.change for each in found.components} == {"added"}
    assert found.files == ()
    assert found.toml.removed == 0


def test_the_same_deployment_differs_in_nothing(tmp_path: Path, operator: Client) -> None:
    one, other = stored(tmp_path, "one", SUM_UP), stored(tmp_path, "other", SUM_UP)

    assert "Nothing differs" in operator.get(f"/admin/deployments/{one.pk}..{other.pk}/").text


def test_a_diff_counts_lines_and_leaves_long_texts_out() -> None:
    diff = text_diff("a", "same\nold\n", "same\nnew\nmore\n")

    assert (diff.added, diff.removed) == (2, 1)
    assert diff.lines is not None
    assert ("ob-removed", "-old") in diff.lines
    assert text_diff("a", "", "x" * 1_000_000).lines is None


def test_hostile_text_is_inert(tmp_path: Path, operator: Client) -> None:
    before = stored(tmp_path, "before", SUM_UP)
    after = stored(tmp_path, "after", SUM_UP + "// <script>alert(1)</script> \u202eevil")

    page = operator.get(f"/admin/deployments/{before.pk}..{after.pk}/").text

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page
    assert "\u202e" not in page
