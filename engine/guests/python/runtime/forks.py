"""Other random numbers from where an execution was forked."""

from __future__ import annotations

import json
import random

from engine.guests.python.runtime.output import HostCall


def reseeding(host: HostCall) -> HostCall:
    """Return the host's operations, looking for a new seed in each answer."""

    def call(op: str, body: str) -> str:
        answer = host(op, body)
        if answer.startswith('{"reseed"'):
            random.seed(int(json.loads(answer)["reseed"], 16))
        return answer

    return call
