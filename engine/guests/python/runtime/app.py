"""The runtime's exports; what is done at import here is done once, when the runtime is built."""

from __future__ import annotations

import gc
import json
import random
import sys

from wit_world.imports import host
from zone_data import ZONES

from engine.guests.python.runtime import closed_world, generated_code, library, time_zones
from engine.guests.python.runtime.describing import describe
from engine.guests.python.runtime.running import run
from engine.guests.python.runtime.warm_up import warm_up

_seed = random.seed

library.import_all()
closed_world.close()
time_zones.install(ZONES)
generated_code.install()
warm_up()
sys.dont_write_bytecode = True
# componentize-py keeps this function and seeds with it at the start of every instance, which costs more than a small
# activity; each run seeds by itself.
random.seed = lambda *_: None
gc.collect()
gc.freeze()


class Runtime:
    """The interface ``obelisk:guest/runtime``."""

    def describe(self, request: str) -> str:
        """Read a component's files."""
        random.seed = _seed
        return json.dumps(describe(json.loads(request)), ensure_ascii=False)

    def run(self, kind: str, artefact: str, function: str, params: str, context: str) -> str:
        """Call one function."""
        random.seed = _seed
        return run(host.call, kind, artefact, function, params, json.loads(context))

    def query(self, function: str, params: str) -> str:
        """Refuse: questions about a finished run are not answered yet."""
        return json.dumps({"refused": "unsupported", "message": "queries are not supported by this runtime"})
