"""Reading where a request goes, strictly: two parsers that disagree on a URL are how a policy is got around."""

from __future__ import annotations

import re

from engine.activity.http.policy import Target
from engine.deployment.host_patterns import DEFAULT_PORTS, normal_host
from engine.errors import OutboundInvalid

MAX_URL = 8 << 10
_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_PATH = re.compile(r"/[\x21-\x22\x24-\x7e]*|\*")
"""Visible ASCII without ``#``."""
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>[^#]*)(?:#.*)?", re.DOTALL)


def split_url(url: str) -> tuple[str, str, str]:
    """Return the scheme in lower case, the authority, and the path with its query of an absolute URL.

    Raises:
        OutboundInvalid: If it is none.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise OutboundInvalid("HTTP-request-URI-invalid", f'"{url[:200]}" is no absolute URL such as https://host/path')
    rest = found["rest"]
    return found["scheme"].lower(), found["authority"], rest if rest.startswith("/") else f"/{rest}"


def read_target(method: str, scheme: str, authority: str, path_with_query: str) -> tuple[Target, str]:
    """Return where a request goes, and its query with the question mark, or nothing.

    Raises:
        OutboundInvalid: If a part is not what it should be.
    """
    if not _METHOD.fullmatch(method) or method.upper() == "CONNECT":
        raise OutboundInvalid("HTTP-request-method-invalid", f'the method "{method[:64]}" cannot be sent')
    if scheme not in DEFAULT_PORTS:
        raise OutboundInvalid("HTTP-request-URI-invalid", f'the scheme is "{scheme[:64]}"; expected http or https')
    if len(authority) + len(path_with_query) > MAX_URL:
        raise OutboundInvalid("HTTP-request-URI-too-long", f"the URL is longer than {MAX_URL} characters")
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise OutboundInvalid(
            "HTTP-request-URI-invalid",
            f'"{authority[:200]}" is no host or host:port; write names in ASCII, and credentials into a header',
        )
    port = DEFAULT_PORTS[scheme] if found["port"] is None else int(found["port"])
    if not 0 < port < 65536:
        raise OutboundInvalid("HTTP-request-URI-invalid", f"the port is {port}; expected 1 to 65535")
    if not _PATH.fullmatch(path_with_query):
        raise OutboundInvalid(
            "HTTP-request-URI-invalid",
            "the path does not begin with / or holds a character that must be percent-encoded",
        )
    path, question, query = path_with_query.partition("?")
    target = Target(
        method=method,
        scheme=scheme,
        host=normal_host(found["host"]),
        port=port,
        authority=authority.lower(),
        path=path,
    )
    return target, question + query
