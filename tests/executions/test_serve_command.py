from __future__ import annotations

import pytest
from django.core.management import call_command


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        call_command("serve", "--help")

    assert caught.value.code == 0
    help_text = " ".join(capsys.readouterr().out.split())
    assert "run the headline job once, and serve until Ctrl-C" in help_text
    assert "--no-job" in help_text
