from __future__ import annotations

from typing import Any

import pytest

from tests.harness.javascript import evaluate, run


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("structuredClone({ a: [1, { b: null }] })", {"a": [1, {"b": None}]}),
        ("structuredClone(new Date(5)).getTime()", 5),
        ("[...structuredClone(new Map([[{ a: 1 }, new Set([2])]]))].map(([k, v]) => [k, [...v]])", [[{"a": 1}, [2]]]),
        ("[...structuredClone(new Uint8Array([1, 2, 3]).subarray(1))]", [2, 3]),
        ("structuredClone(/x/gi).toString()", "/x/gi"),
        ("structuredClone(new TypeError('t')) instanceof TypeError", True),
        ("((a) => { a.self = a; const b = structuredClone(a); return b !== a && b.self === b; })({})", True),
        ("((a) => { const b = structuredClone([a, a]); return b[0] === b[1] && b[0] !== a; })({})", True),
        ("Object.keys(structuredClone(JSON.parse('{\"__proto__\": 1}')))", ["__proto__"]),
        ("structuredClone([1, , 3]).length", 3),
    ],
)
def test_plain_data_is_copied(expression: str, expected: Any) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize("value", ["() => 1", "Symbol()", "{ f() {} }", "Promise.resolve()"])
def test_what_is_no_data_is_refused(value: str) -> None:
    source = f"export default () => {{ try {{ structuredClone({value}); }} catch (e) {{ return e.name; }} }};"

    assert run(source) == {"ok": "DataCloneError"}
