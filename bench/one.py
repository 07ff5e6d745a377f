"""``python -m bench.one NAME``: one run of one measure in this process; prints its figures as JSON."""

from __future__ import annotations

import json
import sys

from bench.site import Bench, data_dir, set_up_site
from bench.sources import SOURCES, measure, write_deployment


def main(name: str) -> None:
    """Measure once."""
    if (source := SOURCES.get(name)) is not None:
        folder = data_dir() / "source"
        set_up_site(write_deployment(source, folder))
        with Bench() as bench:
            figures = measure(source, bench, folder)
    else:
        set_up_site()
        from bench.measures import MEASURES

        with Bench() as bench:
            figures = MEASURES[name](bench)
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1])
