from __future__ import annotations

import pytest

from engine.errors import ValueMismatch
from engine.log.labels import label_metadata, labels_of


def test_labels_come_back_from_the_metadata_and_nothing_else_does() -> None:
    labels = {"booking": "42", "team.a_b-c": "", "9": "é" * 256}

    metadata = (("obelisk-seed", "00"), *label_metadata(labels), ("traceparent", "x"))

    assert metadata[1] == ("label:booking", "42")
    assert labels_of(metadata) == labels


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ({f"l{n}": "" for n in range(33)}, "labels: at most 32 of them, got 33"),
        ({"a" * 64: ""}, "has 64 characters; the most is 63"),
        ({"Team": ""}, "labels: the name 'Team' is not allowed; use lower-case letters, digits"),
        ({"-a": ""}, "the name '-a' is not allowed"),
        ({"a\n": ""}, "is not allowed"),
        ({"": ""}, "the name '' is not allowed"),
        ({"n": 1}, "labels.n: expected a string, got 1"),
        ({"n": "x" * 257}, "labels.n: the value has 257 characters; the most is 256"),
        ({"n": "\0"}, "labels.n: the value contains a NUL character"),
        ({"n": "\ud800"}, "labels.n: the value contains"),
        ({1: ""}, "labels: a name must be a string, got 1"),
    ],
)
def test_what_is_no_label_is_refused_in_one_sentence(labels: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        label_metadata(labels)

    assert sentence in str(caught.value)


def test_as_many_and_as_long_as_allowed_are_taken() -> None:
    labels = {f"{n:02}{'a' * 61}": "x" * 256 for n in range(32)}

    assert labels_of(label_metadata(labels)) == labels
