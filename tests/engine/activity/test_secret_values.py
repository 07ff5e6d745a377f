from __future__ import annotations

import copy
import pickle

import pytest

from engine.activity.secret_values import OperatorPolicy, SecretValue

SECRET = SecretValue("hunter2")


def test_a_secret_is_shown_to_nobody_who_does_not_ask_for_it() -> None:
    policy = OperatorPolicy(secrets={"TOKEN": SECRET})

    for text in (repr(SECRET), str(SECRET), f"{SECRET}", f"{SECRET:>20}", "%s" % SECRET, repr(policy), repr([SECRET])):  # noqa: UP031
        assert "hunter2" not in text
    assert SECRET.reveal() == "hunter2"


def test_a_secret_is_not_pickled_nor_copied_apart() -> None:
    with pytest.raises(TypeError, match="not to be pickled"):
        pickle.dumps(SECRET)
    with pytest.raises(TypeError, match="not to be pickled"):
        copy.deepcopy(SECRET)
