"""``python -m bench.one NAME``: one run of one measure in this process; prints its figures as JSON."""

from __future__ import annotations

import json
import sys

from bench.site import Bench, set_up_site


def main(name: str) -> None:
    """Measure once."""
    set_up_site()
    from bench.measures import MEASURES

    with Bench() as bench:
        figures = MEASURES[name](bench)
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1])
