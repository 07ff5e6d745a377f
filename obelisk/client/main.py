"""The entry point of the console script."""

from __future__ import annotations

import click

from obelisk.client import (  # noqa: F401  # they add verbs to `execution`
    backtrace_commands,
    change_commands,
    debugging_commands,
    log_command,
    submit_command,
    talking_commands,
)
from obelisk.client.completion_command import completion_command
from obelisk.client.component_commands import component_group
from obelisk.client.deployment_commands import deployment_group
from obelisk.client.execution_commands import execution_group
from obelisk.client.generate_commands import generate_group


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(None, "--version", "-v", package_name="obelisk-django", prog_name="obelisk")
def main() -> None:
    """Work with an Obelisk server: start executions, look at them, deploy components.

    OBELISK_API_URL says where the server is, OBELISK_API_TOKEN who is asking. `obelisk completion bash` prints the
    script that completes commands, function names and ids.
    """


for command in (execution_group, component_group, deployment_group, generate_group, completion_command):
    main.add_command(command)
