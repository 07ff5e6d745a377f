"""What answers of the host may bring besides, in a run that was told to look for it: another seed, or a question.

A question is asked of a throw-away copy of a run. It is answered on top of the call that waits, and that is the end of
the copy: the host does not return from taking the answer.
"""

from __future__ import annotations

import json
import random

from engine.guests.python.runtime.loading import Program
from engine.guests.python.runtime.output import HostCall
from engine.guests.python.runtime.questions import answer_question


def attentive(host: HostCall, program: Program) -> HostCall:
    """Return the host's operations, looking at each answer before the code gets it."""

    def call(op: str, body: str) -> str:
        answer = host(op, body)
        if answer.startswith('{"reseed"'):
            random.seed(int(json.loads(answer)["reseed"], 16))
        elif answer.startswith('{"ask"'):
            found = answer_question(program, json.loads(answer))
            host("answered", json.dumps({"answer": found}, ensure_ascii=False))
        return answer

    return call
