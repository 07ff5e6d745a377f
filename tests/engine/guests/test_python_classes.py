"""Classes whose methods the library generates: made anew in every run, from code that was compiled at deploy."""

from __future__ import annotations

import pytest

from tests.harness.python_components import deploy_python, source
from tests.harness.simulation import Simulation

APP = source("""
    from __future__ import annotations
    import dataclasses, os
    from collections import namedtuple
    from dataclasses import dataclass, field
    from typing import NamedTuple
    from obelisk import *

    @dataclass
    class Plain:
        city: str
        nights: int = 1
        tags: list[str] = field(default_factory=list)

    @dataclass(frozen=True, slots=True, order=True)
    class Strict:
        city: str
        nights: int = 1

    class Pair(NamedTuple):
        left: int
        right: str = "r"

    Point = namedtuple("Point", "x y", defaults=[3])

    # What depends on where the file is imported was not compiled at deploy.
    Odd = dataclasses.make_dataclass("Odd", [(os.environ.get("FIELD", "none"), int)])

    def seen():
        return [
            repr(Plain("Rome")), repr(Plain("Rome", 2, ["a"]) == Plain("Rome", 2, ["a"])),
            repr(Strict("b") > Strict("a", 2)),
            repr(hash(Strict("a")) == hash(Strict("a"))), refusal(), repr(Pair(1)), repr(Point(1)), repr(Odd(5)),
            repr(local()), Plain.__doc__,
        ]

    def refusal():
        try:
            Strict("a").nights = 3
        except dataclasses.FrozenInstanceError as error:
            return str(error)

    def local():
        @dataclass
        class Inside:
            n: int
        return Inside(7)

    @activity
    def here() -> list[str]:
        return seen()

    @workflow
    def there() -> list[str]:
        return seen()
""")

SEEN = [
    "Plain(city='Rome', nights=1, tags=[])",
    "True",
    "True",
    "True",
    "cannot assign to field 'nights'",
    "Pair(left=1, right='r')",
    "Point(x=1, y=3)",
]


@pytest.mark.parametrize(
    ("function", "odd"), [("activities.here", "Odd(distance=5)"), ("workflows.there", "Odd(none=5)")]
)
def test_generated_methods_do_what_they_do_everywhere(function: str, odd: str) -> None:
    world = Simulation(registry=deploy_python(APP, env_vars={"FIELD": "distance"}, is_warm=False))
    world.start_executor()
    target = world.submit(f"acme:app/{function}", [])
    world.run(target)

    assert world.result_of(target) == {"ok": [*SEEN, odd, "local.<locals>.Inside(n=7)", "Plain"]}
