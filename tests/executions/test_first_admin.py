from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User

from executions.first_admin import USERNAME, ensure_admin

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "admin_password"


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_the_first_user_may_do_everything(file: Path) -> None:
    password = ensure_admin(file)

    user = authenticate(username=USERNAME, password=password)
    assert user is not None
    assert user.is_superuser


def test_the_password_is_kept_for_its_owner_alone(file: Path) -> None:
    password = ensure_admin(file)

    assert file.read_text() == f"{password}\n"
    assert mode_of(file) == 0o600


def test_a_file_that_others_could_read_is_closed_to_them(file: Path) -> None:
    file.write_text("old")
    file.chmod(0o644)

    ensure_admin(file)

    assert mode_of(file) == 0o600


def test_the_password_is_shown_again(file: Path) -> None:
    assert ensure_admin(file) == ensure_admin(file)
    assert User.objects.count() == 1


def test_passwords_are_not_the_same_everywhere(file: Path, tmp_path: Path) -> None:
    first = ensure_admin(file)
    User.objects.all().delete()

    assert ensure_admin(tmp_path / "other") != first


def test_a_password_that_was_changed_is_not_shown(file: Path) -> None:
    ensure_admin(file)
    user = User.objects.get()
    user.set_password("mine")
    user.save()

    assert ensure_admin(file) is None


def test_without_its_file_the_password_is_not_known(file: Path) -> None:
    ensure_admin(file)
    file.unlink()

    assert ensure_admin(file) is None
    assert not file.exists()


def test_people_who_manage_their_users_are_left_alone(file: Path) -> None:
    User.objects.create_user("somebody")

    assert ensure_admin(file) is None
    assert not file.exists()
    assert User.objects.count() == 1
