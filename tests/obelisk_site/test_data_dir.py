from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from obelisk_site.data_dir import prepare_data_dir, read_or_create_secret_key
from obelisk_site.env import EnvError


def test_the_data_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = prepare_data_dir(tmp_path / "a" / "var")

    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert (path / "logs").is_dir()


def test_a_directory_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    tmp_path.chmod(0o750)

    prepare_data_dir(tmp_path)

    assert (tmp_path / "kept").read_text() == "kept"
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").touch()

    with pytest.raises(EnvError, match=r"OBELISK_DATA_DIR: .*var cannot be used as a directory"):
        prepare_data_dir(tmp_path / "var")


def test_the_secret_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"

    key = read_or_create_secret_key(path)

    assert len(key) >= 50
    assert read_or_create_secret_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    together = Barrier(8)

    def start() -> str:
        together.wait()
        return read_or_create_secret_key(tmp_path / "secret_key")

    with ThreadPoolExecutor(8) as pool:
        keys = {future.result() for future in [pool.submit(start) for _ in range(8)]}

    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_an_empty_key_file_is_refused_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()

    with pytest.raises(EnvError, match="is empty"):
        read_or_create_secret_key(tmp_path / "secret_key")

    assert (tmp_path / "secret_key").read_text() == ""
