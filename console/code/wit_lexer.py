"""The words of WIT text, for Pygments."""

from __future__ import annotations

from typing import Final

from pygments.lexer import RegexLexer, words
from pygments.token import Comment, Keyword, Name, Punctuation, Text

_TYPES: Final = (
    "bool",
    "s8",
    "u8",
    "s16",
    "u16",
    "s32",
    "u32",
    "s64",
    "u64",
    "f32",
    "f64",
    "char",
    "string",
    "list",
    "option",
    "result",
    "tuple",
    "own",
    "borrow",
    "future",
    "stream",
    "error-context",
)
_KEYWORDS: Final = (
    "package",
    "world",
    "interface",
    "import",
    "export",
    "include",
    "use",
    "as",
    "with",
    "type",
    "record",
    "variant",
    "enum",
    "flags",
    "resource",
    "constructor",
    "static",
    "func",
    "async",
)
_END: Final = r"(?![\w-])"


class WitLexer(RegexLexer):
    """Splits WIT text into words; a path such as ``ns:package/interface@1.0.0`` is one."""

    name = "WIT"
    filenames = ["*.wit"]
    tokens = {
        "root": [
            (r"///?[^\n]*", Comment.Single),
            (r"/\*(.|\n)*?\*/", Comment.Multiline),
            (r"@[a-z]+(?=\()", Keyword.Declaration),
            (
                r"%?[a-zA-Z][\w-]*:%?[a-zA-Z][\w-]*(/%?[a-zA-Z][\w-]*)?(@\d+\.\d+\.\d+([-+][\w.+-]*[\w])?)?",
                Name.Namespace,
            ),
            (words(_KEYWORDS, suffix=_END), Keyword),
            (words(_TYPES, suffix=_END), Keyword.Type),
            (r"%?[a-zA-Z][\w-]*", Name),
            (r"->|[{}()<>,;:.=*_]", Punctuation),
            (r"\s+", Text.Whitespace),
            (r".", Text),
        ]
    }
