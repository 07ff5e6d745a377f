"""Check what no linter does: lock files that name no address, and no large files in the repository."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK_FILES = ("requirements.txt", "requirements-otel.txt", "requirements-dev.txt")
MAX_BYTES = 2 * 1024 * 1024


def addresses(lock_file: Path) -> Iterator[str]:
    """Yield a complaint for every line that says where to download: that is the installer's business."""
    for number, line in enumerate(lock_file.read_text(encoding="utf-8").splitlines(), start=1):
        if "://" in line or line.startswith(("--index", "--extra-index", "--find-links", "-i ", "-f ")):
            yield f"{lock_file.name}:{number}: names a download address: {line.strip()}"


def large_files(paths: list[Path]) -> Iterator[str]:
    """Yield a complaint for every file over the limit: such binaries are built on demand."""
    for path in paths:
        if path.is_file() and (size := path.stat().st_size) > MAX_BYTES:
            yield f"{path.relative_to(ROOT)}: {size:,} bytes; the repository holds no file over {MAX_BYTES:,}"


def repository_files() -> list[Path]:
    """Return the files that git tracks or would add; none in an unpacked archive, which tracks nothing."""
    if not (ROOT / ".git").exists():
        return []
    # The checkout may belong to another user than the one CI runs as, which git refuses unless told.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        sys.exit(f"check_files: git cannot list the files: {listed.stderr.strip()}")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def main() -> int:
    """Print every complaint; return 1 if there is one."""
    complaints = [complaint for name in LOCK_FILES for complaint in addresses(ROOT / name)]
    complaints += large_files(repository_files())
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
