"""Source text as lines of HTML with its words in colour; the browser runs nothing for it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers.configs import TOMLLexer
from pygments.lexers.data import JsonLexer
from pygments.lexers.javascript import JavascriptLexer, TypeScriptLexer
from pygments.lexers.python import PythonLexer
from pygments.lexers.rust import RustLexer

from console.code.wit_lexer import WitLexer
from console.visible import visible

MOST_HIGHLIGHTED: Final = 256 << 10
"""Characters; longer text is shown without colours, which take some 100 ms for each so many."""

_LEXERS: Final[dict[str, type[Lexer]]] = {
    ".py": PythonLexer,
    ".js": JavascriptLexer,
    ".mjs": JavascriptLexer,
    ".ts": TypeScriptLexer,
    ".rs": RustLexer,
    ".toml": TOMLLexer,
    ".json": JsonLexer,
    ".wit": WitLexer,
}


def highlighted_lines(text: str, path: str) -> list[SafeString]:
    """Return the lines of a file as HTML; characters that would turn the direction of text are written out.

    Args:
        text: Its content.
        path: Its name, whose ending says what language it is in.
    """
    shown = visible(text.replace("\r\n", "\n"))
    lexer = _LEXERS.get(PurePosixPath(path).suffix.lower())
    if lexer is None or len(shown) > MOST_HIGHLIGHTED:
        return [escape(line) for line in shown.split("\n")]
    html = highlight(shown, lexer(stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True))
    # Pygments closes its elements at the end of each line, and escapes the text.
    return [mark_safe(line) for line in html.removesuffix("\n").split("\n")]  # noqa: S308
