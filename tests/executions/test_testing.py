from __future__ import annotations

import sys
from pathlib import Path

import pytest

from executions.operations.submitting import CallRefused
from executions.testing import deployed, import_file
from tests.components_app.builders import activity_table, make_wasm, write_deployment
from tests.executions.deployments import PING, declared


def test_a_components_file_is_imported_with_what_lies_beside_it(tmp_path: Path) -> None:
    for folder, word in (("a", "one"), ("b", "two")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.py").write_text(f"from words_{folder} import WORD\n")
        (tmp_path / folder / f"words_{folder}.py").write_text(f"WORD = {word!r}\n")

    assert import_file(tmp_path / "a" / "app.py").WORD == "one"
    assert import_file(tmp_path / "b" / "app.py").WORD == "two"


@pytest.mark.django_db(transaction=True)
def test_a_deployment_runs_until_the_with_ends(tmp_path: Path) -> None:
    interval = sys.getswitchinterval()
    ping = make_wasm(exports={"test:ping/api": ["ping"]})
    file = write_deployment(tmp_path, activity_table("ping") + declared("test:never/api.answer"), ping=ping)

    with deployed(file) as app:
        assert app.run(PING) == {"ok": None}
        with pytest.raises(TimeoutError, match=r"did not finish within 0\.05 s"):
            app.run("test:never/api.answer", timeout_s=0.05)
        with pytest.raises(CallRefused, match="no function"):
            app.submit("test:ping/api.pong")

    assert sys.getswitchinterval() == interval
