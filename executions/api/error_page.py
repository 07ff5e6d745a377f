"""The page of the documentation that explains the codes of problems."""

from __future__ import annotations

from executions.api.problems import KINDS

_HEAD = """# Errors of the REST API

What is refused, or fails, is answered with a problem document ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), as
`application/problem+json`:

```json
{
  "type": "/v1/problems#not_finished",
  "title": "The execution has not finished",
  "status": 425,
  "detail": "E_01KBNHM5FQW81KP5Y3XMNX31K4 has not finished",
  "code": "not_finished",
  "err": "not finished yet"
}
```

`code` never changes its meaning, so programs tell problems apart by it; `detail` is for people. `err` is the message
that clients of Obelisk look for. With `Accept: text/plain` the answer is that message alone. The list is also at
`/v1/problems`.

This page is generated: `manage.py api_errors` writes it.

| code | status | what it means | what to do |
| --- | --- | --- | --- |
"""


def error_page() -> str:
    """Return the page as Markdown."""
    return _HEAD + "".join(
        f"| `{code.value}` | {kind.status} | {kind.title} | {kind.remedy} |\n" for code, kind in KINDS.items()
    )
