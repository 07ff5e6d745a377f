"""A workflow and an activity written in JavaScript, for tests of what people do with executions."""

from __future__ import annotations

from pathlib import Path

from tests.components_app.builders import write_deployment

SUM = "test:js/flows.sum"
ADD = "test:js/math.add"
ASK = "test:js/human.ask"

SUM_UP = """
import { add } from 'test:js/math';
export default function sum(numbers) {
  let total = 0;
  for (const number of numbers) total = add(total, number);
  return total;
}
"""
"""Adds one number after another."""

SLEEP_AND_SUM = SUM_UP.replace("let total = 0;", "let total = 0; obelisk.sleep({ days: 1 });")
"""Sleeps for a day before that."""

MANIFEST = """
[[workflow_js]]
ffqn = "test:js/flows.sum"
content = '''{flow}'''
params = [{{ name = "numbers", type = "list<u32>" }}]
return_type = "result<u32, string>"
{extra}

[[activity_js]]
ffqn = "test:js/math.add"
content = '''
export default (a, b) => {{ if (b === 13) throw "unlucky"; return a + b; }};
'''
params = [{{ name = "a", type = "u32" }}, {{ name = "b", type = "u32" }}]
return_type = "result<u32, string>"
max_retries = 0

[[activity_stub]]
name = "ask"
ffqn = "test:js/human.ask"
params = []
return_type = "result<u32, string>"
"""


def write_scripts(folder: Path, flow: str = SUM_UP, *, extra: str = "") -> Path:
    """Write a deployment whose workflow is this program; return the file's path.

    Args:
        folder: Where to.
        flow: The workflow, in JavaScript.
        extra: More keys of the workflow's entry.
    """
    return write_deployment(folder, MANIFEST.format(flow=flow, extra=extra))
