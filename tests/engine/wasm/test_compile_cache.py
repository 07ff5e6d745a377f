from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.errors import InvalidComponent, WasmError
from engine.wasm import fork_guard
from engine.wasm.compile_cache import CompileCache
from engine.wasm.component import CompiledComponent, digest_of
from engine.wasm.engine import WasmEngine, WasmSettings
from engine.wasm.linking import link
from tests.engine.wasm.guests import GUEST, leaf, wasm


def answering(number: int) -> bytes:
    return wasm(leaf(f"(result i32) (i32.const {number})"))


def answer_of(engine: WasmEngine, component: CompiledComponent) -> object:
    return link(engine, component, {}).call(GUEST, "run", [])


@pytest.fixture
def cache(tmp_path: Path) -> CompileCache:
    return CompileCache(tmp_path / "cache")


def only(directory: Path, pattern: str) -> Path:
    (found,) = directory.glob(pattern)
    return found


def test_a_component_is_compiled_once(cache: CompileCache, engine: WasmEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    first = cache.compile(engine, answering(1))
    monkeypatch.setattr(fork_guard._Processes, "forbidden_in", os.getpid())

    second = cache.compile(engine, answering(1))

    assert answer_of(engine, second) == 1
    assert (second.digest, second.wasm_bytes, second.shape) == (first.digest, first.wasm_bytes, first.shape)
    with pytest.raises(WasmError, match="must not compile"):
        cache.compile(engine, answering(2))


def test_a_component_is_loaded_by_its_digest(cache: CompileCache, engine: WasmEngine) -> None:
    digest = cache.compile(engine, answering(1)).digest

    loaded = cache.load(engine, digest)

    assert loaded is not None
    assert answer_of(engine, loaded) == 1


def test_what_was_never_compiled_is_not_loaded(cache: CompileCache, engine: WasmEngine) -> None:
    assert cache.load(engine, "sha256:" + "0" * 64) is None


def test_engines_of_other_settings_have_their_own_artifacts(cache: CompileCache, engine: WasmEngine) -> None:
    digest = cache.compile(engine, answering(1)).digest

    assert cache.load(WasmEngine.for_process(WasmSettings(consume_fuel=True, pool_slots=10)), digest) is None


def test_an_invalid_component_leaves_nothing_behind(cache: CompileCache, engine: WasmEngine, tmp_path: Path) -> None:
    with pytest.raises(InvalidComponent):
        cache.compile(engine, answering(1)[:50])

    assert {path.suffix for path in (tmp_path / "cache").iterdir()} == {"", ".lock"}


@pytest.mark.parametrize("offset", [0, 100, -1])
def test_a_damaged_artifact_is_compiled_anew(
    cache: CompileCache, engine: WasmEngine, tmp_path: Path, offset: int
) -> None:
    digest = cache.compile(engine, answering(1)).digest
    artifact = only(tmp_path / "cache", "*.cwasm")
    content = bytearray(artifact.read_bytes())
    content[offset] ^= 0xFF
    artifact.write_bytes(content)

    assert cache.load(engine, digest) is None
    assert answer_of(engine, cache.compile(engine, answering(1))) == 1
    assert cache.load(engine, digest) is not None


def test_a_truncated_artifact_is_compiled_anew(cache: CompileCache, engine: WasmEngine, tmp_path: Path) -> None:
    digest = cache.compile(engine, answering(1)).digest
    artifact = only(tmp_path / "cache", "*.cwasm")
    artifact.write_bytes(artifact.read_bytes()[:1000])

    assert cache.load(engine, digest) is None
    assert answer_of(engine, cache.compile(engine, answering(1))) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"artifact": 1, "wasm_bytes": 1, "hmac": ""}', b"\xff"])
def test_a_damaged_entry_is_compiled_anew(
    cache: CompileCache, engine: WasmEngine, tmp_path: Path, content: bytes
) -> None:
    digest = cache.compile(engine, answering(1)).digest
    only(tmp_path / "cache", "*.json").write_bytes(content)

    assert cache.load(engine, digest) is None
    assert answer_of(engine, cache.compile(engine, answering(1))) == 1


def test_an_artifact_of_another_cache_is_not_trusted(engine: WasmEngine, tmp_path: Path) -> None:
    digest = CompileCache(tmp_path / "theirs").compile(engine, answering(1)).digest
    ours = CompileCache(tmp_path / "ours")
    for path in (tmp_path / "theirs").iterdir():
        if path.name != "key":
            path.rename(tmp_path / "ours" / path.name)

    assert ours.load(engine, digest) is None


def test_an_entry_cannot_stand_for_another_component(cache: CompileCache, engine: WasmEngine, tmp_path: Path) -> None:
    first = cache.compile(engine, answering(1))
    entry = only(tmp_path / "cache", "*.json")
    other = cache.compile(engine, answering(2)).digest
    other_entry = only(tmp_path / "cache", f"{other.removeprefix('sha256:')}*.json")
    other_entry.write_bytes(entry.read_bytes())

    assert cache.load(engine, other) is None
    assert cache.load(engine, first.digest) is not None


def test_an_entry_cannot_point_out_of_the_cache(cache: CompileCache, engine: WasmEngine, tmp_path: Path) -> None:
    digest = cache.compile(engine, answering(1)).digest
    entry = only(tmp_path / "cache", "*.json")
    record = json.loads(entry.read_bytes())
    (tmp_path / "cache" / record["artifact"]).rename(tmp_path / record["artifact"])
    entry.write_text(json.dumps({**record, "artifact": f"../{record['artifact']}"}))

    assert cache.load(engine, digest) is None


def test_a_full_disk_costs_nothing_but_the_next_compilation(
    cache: CompileCache, engine: WasmEngine, tmp_path: Path
) -> None:
    digest = digest_of(answering(1))
    # A file cannot replace a directory, as it cannot be written to a full disk.
    (tmp_path / "cache" / f"{digest.removeprefix('sha256:')}-{engine.settings.fingerprint()}.json").mkdir()

    assert answer_of(engine, cache.compile(engine, answering(1))) == 1
    assert cache.load(engine, digest) is None


def test_the_directory_is_private(cache: CompileCache, tmp_path: Path) -> None:
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "cache" / "key").stat().st_mode & 0o777 == 0o600


def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)

    with pytest.raises(WasmError, match="writable by nobody else"):
        CompileCache(tmp_path)


def test_a_key_cut_short_is_replaced(engine: WasmEngine, tmp_path: Path) -> None:
    digest = CompileCache(tmp_path / "cache").compile(engine, answering(1)).digest
    (tmp_path / "cache" / "key").write_bytes(b"short")

    cache = CompileCache(tmp_path / "cache")

    assert cache.load(engine, digest) is None
    assert answer_of(engine, cache.compile(engine, answering(1))) == 1


def test_threads_that_want_the_same_component_compile_it_once(
    cache: CompileCache, engine: WasmEngine, tmp_path: Path
) -> None:
    barrier = threading.Barrier(4)
    answers: list[object] = []

    def work() -> None:
        barrier.wait(30)
        answers.append(answer_of(engine, cache.compile(engine, answering(7))))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [7] * 4
    only(tmp_path / "cache", "*.cwasm")
    assert not list((tmp_path / "cache").glob("tmp-*"))


def test_processes_share_a_cache(engine: WasmEngine, tmp_path: Path) -> None:
    (tmp_path / "c.wasm").write_bytes(answering(9))
    script = """
import sys
from pathlib import Path
from engine.wasm.compile_cache import CompileCache
from engine.wasm.engine import WasmEngine, WasmSettings
from engine.wasm.linking import link
engine = WasmEngine.for_process(WasmSettings())
component = CompileCache(Path(sys.argv[1])).compile(engine, Path(sys.argv[2]).read_bytes())
print(link(engine, component, {}).call(sys.argv[3], "run", []))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "cache"), str(tmp_path / "c.wasm"), GUEST]

    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]

    assert [child.communicate(timeout=60)[0] for child in children] == ["9\n"] * 3
    only(tmp_path / "cache", "*.cwasm")
    mine = CompileCache(tmp_path / "cache").compile(engine, answering(9))
    assert answer_of(engine, mine) == 9


def test_the_least_recently_used_artifacts_make_room(engine: WasmEngine, tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    digests = [CompileCache(directory).compile(engine, answering(number)).digest for number in range(3)]
    size = max(path.stat().st_size for path in directory.glob("*.cwasm"))
    for age, digest in enumerate(reversed(digests)):
        os.utime(only(directory, f"{digest.removeprefix('sha256:')}*.json"), (1_000_000 - age, 1_000_000 - age))
    small = CompileCache(directory, max_bytes=2 * size + size // 2)
    # Use makes the oldest the youngest.
    assert small.load(engine, digests[0]) is not None

    newest = small.compile(engine, answering(3)).digest

    kept = [small.load(engine, digest) is not None for digest in (*digests, newest)]
    assert kept == [True, False, False, True]
    assert len(list(directory.glob("*.cwasm"))) == 2
