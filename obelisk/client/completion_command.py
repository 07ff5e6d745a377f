"""``obelisk completion``: the scripts that teach a shell to complete."""

from __future__ import annotations

import os
from typing import ClassVar

import click
from click.shell_completion import BashComplete, add_completion_class, get_completion_class, split_arg_string

_SHELLS = ("bash", "zsh", "fish")
_LINE = "OBELISK_COMPLETION_LINE"
# Bash ends a word at each of these, which functions and ids hold, so it replaces only what stands behind the last one.
_BASH = """\
%(complete_func)s() {
    local line="${COMP_LINE:0:COMP_POINT}" kind value
    local word="${line##*[[:space:]]}"
    local breaks="${COMP_WORDBREAKS//[^:=@]/}" before=""
    [[ -n "$breaks" ]] && before="${word%%"${word##*["$breaks"]}"}"
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case "$kind" in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$before"}") ;;
        esac
    done < <(LINE="$line" %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
""".replace("LINE=", f"{_LINE}=")


class _Bash(BashComplete):
    """Completes words with colons, which Click's own script cannot."""

    name: ClassVar[str] = "bash"
    source_template: ClassVar[str] = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ[_LINE]
        words = split_arg_string(line)
        incomplete = "" if line[-1:].isspace() else words.pop()
        return words[1:], incomplete


add_completion_class(_Bash)


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def completion_command(shell: str) -> None:
    """Print the script that completes verbs and names in SHELL.

    \b
    bash, in ~/.bashrc:                  eval "$(obelisk completion bash)"
    zsh, in ~/.zshrc, behind compinit:   eval "$(obelisk completion zsh)"
    fish, in ~/.config/fish/config.fish: obelisk completion fish | source
    """  # noqa: D301  # click wants the backspace itself
    root = click.get_current_context().find_root()
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(root.command, {}, "obelisk", "_OBELISK_COMPLETE").source())
