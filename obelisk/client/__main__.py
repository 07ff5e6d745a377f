"""``python -m obelisk.client``: the command-line client."""

from __future__ import annotations

from obelisk.client.main import main

if __name__ == "__main__":
    main(prog_name="obelisk")
