from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run(*arguments: str, data_dir: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own: settings are read once a process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "OBELISK_", "PORT"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=kept | {"OBELISK_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "obelisk_site.settings"} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def settings(*names: str, data_dir: Path, argv: tuple[str, ...] = (), **environ: str) -> dict[str, Any]:
    """Return settings as a process with this environment and these arguments reads them."""
    program = (
        "import json, sys\n"
        f"sys.argv = {['manage.py', *argv]!r}\n"
        "from django.conf import settings\n"
        f"print(json.dumps({{name: getattr(settings, name) for name in {names!r}}}, default=str))"
    )
    done = run("-c", program, data_dir=data_dir, **environ)
    assert done.returncode == 0, done.stderr
    values: dict[str, Any] = json.loads(done.stdout)
    return values


def test_without_any_variable_the_site_is_private_and_safe(tmp_path: Path) -> None:
    read = settings("DEBUG", "ALLOWED_HOSTS", "OBELISK_PORT", "OBELISK_WORKERS", "SECRET_KEY", data_dir=tmp_path)

    assert read["DEBUG"] is False
    assert read["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert read["OBELISK_PORT"] == 8000
    assert read["OBELISK_WORKERS"] == 1
    assert read["SECRET_KEY"] == (tmp_path / "secret_key").read_text()


def test_everything_that_is_written_goes_below_the_data_directory(tmp_path: Path) -> None:
    read = settings("DATABASES", "LOGGING", data_dir=tmp_path / "data")

    assert read["DATABASES"]["default"]["NAME"] == str(tmp_path / "data" / "db.sqlite3")
    assert read["LOGGING"]["handlers"]["file"]["filename"] == str(tmp_path / "data" / "logs" / "command.log")


def test_a_secret_key_from_the_environment_leaves_no_file(tmp_path: Path) -> None:
    read = settings("SECRET_KEY", data_dir=tmp_path, DJANGO_SECRET_KEY="k" * 50)

    assert read["SECRET_KEY"] == "k" * 50
    assert not (tmp_path / "secret_key").exists()


def test_https_makes_the_cookies_secure(tmp_path: Path) -> None:
    read = settings("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", data_dir=tmp_path, OBELISK_HTTPS="1")

    assert read == {"SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True}


def test_only_the_web_process_has_daphnes_app_and_gives_connections_back(tmp_path: Path) -> None:
    web = settings("INSTALLED_APPS", "DATABASES", data_dir=tmp_path, argv=("runserver",))
    executor = settings("INSTALLED_APPS", "DATABASES", data_dir=tmp_path, argv=("run_executor",))

    assert web["INSTALLED_APPS"][0] == "daphne"
    assert web["DATABASES"]["default"]["CONN_MAX_AGE"] == 0
    assert "daphne" not in executor["INSTALLED_APPS"]
    assert executor["DATABASES"]["default"]["CONN_MAX_AGE"] is None


@pytest.mark.parametrize(("argv", "level"), [(("submit",), "WARNING"), (("run_executor",), "INFO")])
def test_a_command_keeps_its_terminal_quiet(tmp_path: Path, argv: tuple[str, ...], level: str) -> None:
    read = settings("LOGGING", data_dir=tmp_path, argv=argv)

    assert read["LOGGING"]["handlers"]["console"]["level"] == level


def test_a_wrong_variable_ends_manage_py_with_one_sentence(tmp_path: Path) -> None:
    done = run("manage.py", "check", data_dir=tmp_path, PORT="eighty")

    assert done.returncode == 1
    assert done.stderr == "manage.py: environment variable PORT: expected a whole number, got 'eighty'\n"


def test_the_site_passes_its_own_checks(tmp_path: Path) -> None:
    done = run("manage.py", "check", "--fail-level", "WARNING", data_dir=tmp_path)

    assert done.returncode == 0, done.stderr


def test_an_address_makes_postgresql_the_database_and_its_password_is_no_setting(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("swordfish\n")

    read = settings(
        "DATABASES",
        data_dir=tmp_path,
        argv=("run_executor",),
        OBELISK_DATABASE_URL="postgres://ann@db.example.com/obelisk",
        OBELISK_DATABASE_PASSWORD_FILE=str(tmp_path / "password"),
    )["DATABASES"]["default"]

    assert (read["ENGINE"], read["HOST"], read["PASSWORD"]) == (
        "django.db.backends.postgresql",
        "db.example.com",
        "swordfish",
    )


@pytest.mark.parametrize(
    ("url", "password_file", "problem"),
    [
        ("mysql://ann:swordfish@db/obelisk", "", "OBELISK_DATABASE_URL: expected an address"),
        ("postgres://ann@db/obelisk", "/nowhere", "OBELISK_DATABASE_PASSWORD_FILE: the file '/nowhere' cannot be read"),
    ],
)
def test_a_database_that_cannot_be_meant_is_one_sentence(
    tmp_path: Path, url: str, password_file: str, problem: str
) -> None:
    done = run(
        "manage.py",
        "check",
        data_dir=tmp_path,
        OBELISK_DATABASE_URL=url,
        OBELISK_DATABASE_PASSWORD_FILE=password_file,
    )

    assert done.returncode != 0
    assert problem in done.stderr
    assert "swordfish" not in done.stderr
