from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.manifest import DeploymentFolder, FileReference
from components.manifest.files import UnusableFile, content_digest


def reference(path: str, *, digest: str | None = None) -> FileReference:
    return FileReference(path=path, content_digest=digest, key="location")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    (inside / "sub" / "a.wasm").write_bytes(b"content")
    (tmp_path / "secret").write_bytes(b"secret")
    return inside


def refusal(folder: Path, path: str, *, digest: str | None = None, max_bytes: int = 100) -> str:
    with pytest.raises(UnusableFile) as caught:
        DeploymentFolder(folder, max_bytes=max_bytes).read(reference(path, digest=digest))
    return str(caught.value)


def test_a_file_inside_is_read(folder: Path) -> None:
    content = DeploymentFolder(folder).read(reference("sub/a.wasm", digest=content_digest(b"content")))

    assert content == b"content"


def test_links_are_followed_inside_the_folder(folder: Path) -> None:
    (folder / "link.wasm").symlink_to("sub/a.wasm")

    assert DeploymentFolder(folder).read(reference("link.wasm")) == b"content"


@pytest.mark.parametrize("target", ["../secret", ".."])
def test_a_link_out_of_the_folder_is_refused(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)

    assert "which is a link that leaves the folder" in refusal(folder, "link" if target != ".." else "link/secret")


def test_a_link_to_itself_is_refused(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")

    assert refusal(folder, "loop") == 'names "loop", which cannot be followed to a file'


def test_characters_that_no_path_has_are_refused(folder: Path) -> None:
    assert "which cannot be followed to a file" in refusal(folder, "a\0b")


def test_what_is_no_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")

    assert refusal(folder, "pipe") == 'names "pipe", which is not a file'
    assert refusal(folder, "sub") == 'names "sub", which is not a file'
    assert refusal(folder, "missing.wasm") == 'names "missing.wasm", which does not exist'
    assert refusal(folder, "sub/a.wasm/b") == 'names "sub/a.wasm/b", which cannot be read: Not a directory'


def test_a_file_that_is_too_large_is_refused(folder: Path) -> None:
    (folder / "large").write_bytes(b"0" * (1024**2 + 1))

    assert refusal(folder, "large", max_bytes=1024**2) == 'names "large", which is larger than 1 MiB'


def test_another_digest_than_pinned_is_refused(folder: Path) -> None:
    pinned = content_digest(b"other")

    assert refusal(folder, "sub/a.wasm", digest=pinned) == (
        f'names "sub/a.wasm", whose digest is {content_digest(b"content")}, not {pinned}'
    )
