from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from components.scaffolding import Language, ScaffoldName, ScaffoldRefused, write_scaffold

REPOSITORY = Path(__file__).parents[2]


def write(folder: Path, language: Language, name: str = "hello-world") -> Path:
    write_scaffold(ScaffoldName.parse(name, language), language, folder)
    return folder


# --- Names ------------------------------------------------------------------------------------------------------------


def test_a_name_belongs_to_somebody() -> None:
    assert ScaffoldName.parse("hello-world", Language.PYTHON).package == "my:hello-world"
    assert ScaffoldName.parse("acme:hello", Language.PYTHON).package == "acme:hello"


@pytest.mark.parametrize(
    ("name", "language", "problem"),
    [
        ("Hello", Language.PYTHON, "write lower-case words joined by hyphens"),
        ("hello_world", Language.JAVASCRIPT, "write lower-case words joined by hyphens"),
        ("../hello", Language.JAVASCRIPT, "write lower-case words joined by hyphens"),
        ("", Language.JAVASCRIPT, "write lower-case words joined by hyphens"),
        (":hello", Language.JAVASCRIPT, "write lower-case words joined by hyphens"),
        ("x" * 65, Language.JAVASCRIPT, "longer than 64 characters"),
        ("interface", Language.JAVASCRIPT, "interface is a keyword"),
        ("match", Language.RUST, "match is a keyword"),
        ("json", Language.PYTHON, "would hide Python's or the engine's own module json"),
        ("obelisk", Language.PYTHON, "would hide Python's or the engine's own module obelisk"),
        ("wasi:hello", Language.RUST, "the namespace wasi belongs to the engine"),
        ("hello-obelisk-ext", Language.RUST, "belong to the engine"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(name: str, language: Language, problem: str) -> None:
    with pytest.raises(ScaffoldRefused, match=problem):
        ScaffoldName.parse(name, language)


# --- Files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", list(Language))
def test_every_name_is_filled_in(tmp_path: Path, language: Language) -> None:
    write(tmp_path, language)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if "@" in path.name or "@NAME@" in path.read_text()]
    assert any("my:hello-world" in path.read_text() for path in files)


@pytest.mark.parametrize("there", ["deployment.toml", "test_hello_world.py"])
def test_nothing_is_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")

    with pytest.raises(ScaffoldRefused, match=f"{there} exists already"):
        write(tmp_path, Language.PYTHON)

    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_a_folder_that_is_a_file_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ScaffoldRefused, match=r"file.*cannot be written: (Not a directory|File exists)"):
        write(tmp_path / "file", Language.JAVASCRIPT)


# --- What was written works -------------------------------------------------------------------------------------------


def run_tests_in(*folders: Path) -> str:
    """Run what was written as its own tests, and return the last line."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-c", str(REPOSITORY / "pyproject.toml"), *map(str, folders)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()[-1]


def test_what_was_written_in_python_and_javascript_passes_its_own_tests(tmp_path: Path) -> None:
    # Folders that are called as their modules are the default, and pytest names packages after folders.
    python = write(tmp_path / "hello", Language.PYTHON, "hello")
    javascript = write(tmp_path / "hello-js", Language.JAVASCRIPT, "hello-js")

    assert "5 passed" in run_tests_in(python, javascript)


def test_what_was_written_in_rust_is_built_or_says_what_it_takes(tmp_path: Path) -> None:
    folder = write(tmp_path / "hello", Language.RUST, "hello")

    built = subprocess.run([str(folder / "build.sh")], capture_output=True, text=True, check=False)

    if built.returncode == 0:
        assert "1 passed" in run_tests_in(folder)
    else:
        assert built.stderr in {
            "build.sh: cargo is missing; install Rust with rustup.\n",
            "build.sh: Rust's target wasm32-wasip2 is missing; run: rustup target add wasm32-wasip2\n",
        }
        assert not list(folder.glob("*.wasm"))
