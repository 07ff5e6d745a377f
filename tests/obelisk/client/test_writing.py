from __future__ import annotations

from pathlib import Path

import pytest

from obelisk.client.api import ClientError
from obelisk.client.writing import write_files


def test_files_are_written_into_folders_that_are_made(tmp_path: Path) -> None:
    written = write_files(tmp_path / "new", {"a/b.txt": b"1", "c.txt": b"2"}, force=False)

    assert written == [str(tmp_path / "new" / "a" / "b.txt"), str(tmp_path / "new" / "c.txt")]
    assert (tmp_path / "new" / "a" / "b.txt").read_bytes() == b"1"


def test_what_is_there_stays_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("mine")

    with pytest.raises(ClientError, match=r"old.txt is there already; --force writes over it"):
        write_files(tmp_path, {"new.txt": b"", "old.txt": b"theirs"}, force=False)

    assert (tmp_path / "old.txt").read_text() == "mine"
    assert not (tmp_path / "new.txt").exists()
    write_files(tmp_path, {"old.txt": b"theirs"}, force=True)
    assert (tmp_path / "old.txt").read_text() == "theirs"


@pytest.mark.parametrize("name", ["../outside.txt", "/tmp/outside.txt", "link/outside.txt"])
def test_nothing_is_written_elsewhere(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)

    with pytest.raises(ClientError, match="which is outside of"):
        write_files(folder, {"inside.txt": b"", name: b""}, force=True)

    assert [path.name for path in folder.iterdir()] == ["link"]


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ClientError, match=r"file/a.txt cannot be written: \w+"):
        write_files(tmp_path / "file", {"a.txt": b""}, force=False)
