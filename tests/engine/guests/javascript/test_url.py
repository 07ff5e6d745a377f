from __future__ import annotations

from typing import Any

import pytest

from tests.harness.javascript import evaluate, run


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("HTTP://EXample.com:80/a/./b/../c d?x=1 2#y z", "http://example.com/a/c%20d?x=1%202#y%20z"),
        ("https://user:pa ss@host:8443", "https://user:pa%20ss@host:8443/"),
        ("https://bücher.example/ß?ü", "https://xn--bcher-kva.example/%C3%9F?%C3%BC"),
        ("http://例え.jp", "http://xn--r8jz45g.jp/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://2130706433", "http://127.0.0.1/"),
        ("http://[2001:DB8:0:0:0:0:0:1]:8080/x", "http://[2001:db8::1]:8080/x"),
        ("http://[::ffff:1.2.3.4]", "http://[::ffff:102:304]/"),
        ("http:\\\\host\\path", "http://host/path"),
        ("http:host", "http://host/"),
        (" \n https://ho\tst/ ", "https://host/"),
        ("http://a%41.com", "http://aa.com/"),
        ("data:text/plain,hi there", "data:text/plain,hi there"),
        ("mailto:a@b.c?subject=x", "mailto:a@b.c?subject=x"),
        ("file:///C|/x/../..", "file:///C:/"),
        ("file://localhost/etc", "file:///etc"),
        ("foo://Host/../x", "foo://Host/x"),
        ("http://h/%2e%2E/x/%2e", "http://h/x/"),
        ("http://h?#", "http://h/?#"),
        ("urn:a:b", "urn:a:b"),
        ("web+demo:/.//not-a-host/", "web+demo:/.//not-a-host/"),
    ],
)
def test_urls_are_written_as_the_standard_says(text: str, href: str) -> None:
    assert run("export default (text) => new URL(text).href;", text) == {"ok": href}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/path",
        "http://",
        "http://a b/",
        "http://h:65536",
        "http://h:x",
        "http://[::1",
        "http://1.2.3.256",
        "http://a<b",
    ],
)
def test_what_is_no_url_is_refused(text: str) -> None:
    assert run("export default (text) => [URL.canParse(text), URL.parse(text)];", text) == {"ok": [False, None]}
    assert run("export default (text) => new URL(text);", text)["err"] == f"Invalid URL: {text}"


@pytest.mark.parametrize(
    ("relative", "href"),
    [
        ("c", "http://h/a/c"),
        ("../c", "http://h/c"),
        ("/c?q", "http://h/c?q"),
        ("?q", "http://h/a/b?q"),
        ("#f", "http://h/a/b?x#f"),
        ("", "http://h/a/b?x"),
        ("//other/c", "http://other/c"),
        ("https://o", "https://o/"),
        ("http:c", "http://h/a/c"),
        ("./..", "http://h/"),
    ],
)
def test_relative_urls(relative: str, href: str) -> None:
    assert run("export default (r) => new URL(r, 'http://h/a/b?x').href;", relative) == {"ok": href}


def test_the_parts_of_a_url() -> None:
    parts = ["protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash", "origin"]
    source = "export default (url, parts) => parts.map((part) => new URL(url)[part]);"

    assert run(source, "https://u:p@h.x:81/a?b=1#c", parts) == {
        "ok": ["https:", "u", "p", "h.x:81", "h.x", "81", "/a", "?b=1", "#c", "https://h.x:81"]
    }


@pytest.mark.parametrize(
    ("change", "href"),
    [
        ("u.port = 443", "https://h/a?b#c"),
        ("u.port = '99x'", "https://h:99/a?b#c"),
        ("u.protocol = 'http'", "http://h/a?b#c"),
        ("u.protocol = 'foo'", "https://h/a?b#c"),
        ("u.hostname = 'Other.COM'", "https://other.com/a?b#c"),
        ("u.host = 'o:1'", "https://o:1/a?b#c"),
        ("u.pathname = '/x y/../z?'", "https://h/z%3F?b#c"),
        ("u.search = 'n=ü'", "https://h/a?n=%C3%BC#c"),
        ("u.hash = ''", "https://h/a?b"),
        ("u.username = 'a:b'", "https://a%3Ab@h/a?b#c"),
        ("u.searchParams.append('x y', '&')", "https://h/a?b=&x+y=%26#c"),
        ("u.href = 'http://n'", "http://n/"),
    ],
)
def test_the_parts_of_a_url_can_be_changed(change: str, href: str) -> None:
    assert evaluate(f"((u) => {{ {change}; return u.href; }})(new URL('https://h/a?b#c'))") == href


@pytest.mark.parametrize(
    ("init", "text"),
    [
        ("'?a=1&b=%20+c&a'", "a=1&b=++c&a="),
        ("{ a: 'ü', b: 2 }", "a=%C3%BC&b=2"),
        ("[['a', '1'], ['a', '~*']]", "a=1&a=%7E*"),
        ("new URLSearchParams('x=1')", "x=1"),
        ("''", ""),
    ],
)
def test_query_parameters_are_read_and_written(init: str, text: str) -> None:
    assert evaluate(f"String(new URLSearchParams({init}))") == text


def test_query_parameters_are_asked_and_changed() -> None:
    source = """
        export default () => {
            const p = new URLSearchParams("b=2&a=1&b=3");
            const found = [p.get("b"), p.getAll("b"), p.get("z"), p.has("a"), p.has("a", "2"), p.size, [...p.keys()]];
            p.set("b", "x"); p.delete("a"); p.append("c", "y"); p.append("a", "0"); p.sort();
            return [...found, p.toString(), Object.fromEntries(p)];
        };"""
    expected: list[Any] = [
        "2", ["2", "3"], None, True, False, 3, ["b", "a", "b"], "a=0&b=x&c=y", {"a": "0", "b": "x", "c": "y"},
    ]  # fmt: skip

    assert run(source) == {"ok": expected}
