"""`docs/client.md` lists the verbs that there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from obelisk.client.main import main

_PAGE = Path(__file__).parents[3] / "docs" / "client.md"
_BEGIN = "<!-- verbs: as tests/obelisk/client/test_docs.py makes them -->\n"
_END = "<!-- end of verbs -->"


def rows(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.commands[name]
        with click.Context(command, parent=context, info_name=name) as inside:
            if isinstance(command, click.Group):
                yield from rows(command, inside)
            else:
                arguments = " ".join(piece for piece in command.collect_usage_pieces(inside) if piece != "[OPTIONS]")
                verb = f"{inside.command_path.removeprefix('obelisk ')} {arguments}".rstrip().replace("|", "\\|")
                yield f"| `{verb}` | {command.get_short_help_str(limit=200)} |\n"


def test_the_table_of_verbs_is_what_the_commands_say() -> None:
    context = click.Context(main, info_name="obelisk")
    table = "".join(["| verb | does |\n| --- | --- |\n", *rows(main, context)])

    page = _PAGE.read_text()

    assert page.partition(_BEGIN)[2].partition(_END)[0] == f"\n{table}\n", f"put this table there:\n{table}"


def test_what_a_verb_does_fits_a_line_of_its_group_s_help() -> None:
    for arguments in ([], ["component"], ["deployment"], ["execution"], ["generate"]):
        shown = CliRunner(env={"COLUMNS": "80"}).invoke(main, [*arguments, "--help"]).stdout

        assert "..." not in shown.partition("Commands:")[2], shown
