from __future__ import annotations

import pytest

from engine.errors import NameSyntaxError
from engine.wit.names import (
    FunctionName,
    InterfaceName,
    is_kebab_name,
    is_reserved_namespace,
    kebab_name,
    snake_name,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("testing:fibo/fibo", ("testing", "fibo", "fibo", None)),
        ("wasi:cli/run@0.2.0", ("wasi", "cli", "run", "0.2.0")),
        ("wasi:io/poll@0.2.0-rc-2023-11-10+build.5", ("wasi", "io", "poll", "0.2.0-rc-2023-11-10+build.5")),
        ("a:b-2c/HTTP-x", ("a", "b-2c", "HTTP-x", None)),
    ],
)
def test_an_interface_name_is_split_into_its_parts_and_printed_back(
    text: str, parts: tuple[str, str, str, str | None]
) -> None:
    name = InterfaceName.parse(text)

    assert (name.namespace, name.package, name.interface, name.version) == parts
    assert str(name) == text


def test_a_function_is_split_off_at_the_last_dot_because_versions_contain_dots() -> None:
    name = FunctionName.parse("wasi:cli/run@0.2.0.run")

    assert name == FunctionName(InterfaceName("wasi", "cli", "run", "0.2.0"), "run")
    assert str(name) == "wasi:cli/run@0.2.0.run"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fibo", "missing namespace separator"),
        (":fibo/fibo", "namespace is empty"),
        ("testing:fibo", "missing package/ifc separator"),
        ("testing:/fibo", "package name is empty"),
        ("testing:fibo/", "ifc name is empty"),
        ("testing:fibo/fibo@", "version is empty"),
        ("testing:fibo@1.0.0/fibo", "missing package/ifc separator"),
        ("testing:fibo/fibo@1.0", "version `1.0` is not of the form 1.2.3"),
        ("testing:fibo/fibo@१.0.0", "version `१.0.0` is not of the form 1.2.3"),
        ("testing:fibo/a/b", "ifc name `a/b` is not kebab-case"),
        ("testing:my_fibo/fibo", "write `my-fibo`"),
        ("Testing:fibo/Fibo", "namespace `Testing` is not kebab-case"),
        ("TESTING:fibo/fibo", "namespace `TESTING` must be in lower case"),
        ("testing:my-FIBO/fibo", "package name `my-FIBO` must be in lower case"),
        ("a:b/" + "c" * 2000, "longer than 1024 characters"),
    ],
)
def test_a_bad_interface_name_is_refused_with_the_part_that_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(NameSyntaxError, match="cannot parse") as caught:
        InterfaceName.parse(text)

    assert problem in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("testing:fibo/fibo", "missing function separator"),
        ("testing:fibo/fibo.", "function name is empty"),
        ("fibo.fibo", "missing namespace separator"),
        ("testing:fibo/fibo.my_fn", "write `my-fn`"),
        ("testing:fibo/fibo@1.0.0", "version `1.0` is not of the form 1.2.3"),
        ("", "missing function separator"),
        ("x" * 2000 + ".y", "longer than 1024 characters"),
    ],
)
def test_a_bad_function_name_is_refused_with_the_part_that_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(NameSyntaxError) as caught:
        FunctionName.parse(text)

    assert problem in str(caught.value)


def test_the_function_name_of_a_wit_record_must_not_contain_a_dot() -> None:
    assert FunctionName.of("testing:fibo/fibo@1.0.0", "fibo") == FunctionName.parse("testing:fibo/fibo@1.0.0.fibo")
    with pytest.raises(NameSyntaxError, match=r"must not contain `\.`"):
        FunctionName.of("testing:fibo/fibo", "fibo.fibo")
    with pytest.raises(NameSyntaxError, match="missing namespace separator"):
        FunctionName.of("fibo", "fibo")
    with pytest.raises(NameSyntaxError, match="function name `` is not kebab-case"):
        FunctionName.of("testing:fibo/fibo", "")


def test_the_package_name_carries_the_version() -> None:
    assert InterfaceName.parse("wasi:cli/run@0.2.0").package_name == "wasi:cli@0.2.0"
    assert InterfaceName.parse("testing:fibo/fibo").package_name == "testing:fibo"


@pytest.mark.parametrize("suffix", ["-obelisk-ext", "-obelisk-schedule", "-obelisk-stub"])
def test_extension_packages_are_siblings_known_by_their_suffix(suffix: str) -> None:
    primary = InterfaceName.parse("testing:fibo/fibo@1.0.0")

    extension = primary.with_package_suffix(suffix)

    assert str(extension) == f"testing:fibo{suffix}/fibo@1.0.0"
    assert extension.extension_suffix == suffix
    assert extension.is_extension
    assert extension.without_extension_suffix() == primary


def test_other_packages_are_no_extensions() -> None:
    primary = InterfaceName.parse("testing:obelisk-ext-tools/fibo")

    assert not primary.is_extension
    assert primary.without_extension_suffix() == primary


def test_host_namespaces_are_reserved() -> None:
    assert is_reserved_namespace("wasi")
    assert InterfaceName.parse("obelisk:log/log@1.0.0").is_reserved
    assert not InterfaceName.parse("obelisk-like:log/log").is_reserved


def test_the_suffix_cancellable_marks_a_function() -> None:
    assert FunctionName.parse("a:b/c.long-job-cancellable").is_cancellable
    assert not FunctionName.parse("a:b/c.cancellable-job").is_cancellable


def test_names_change_between_the_spelling_of_wit_and_that_of_json() -> None:
    assert snake_name("my-own-field") == "my_own_field"
    assert kebab_name("my_own_field") == "my-own-field"


@pytest.mark.parametrize("name", ["a", "a1", "a-b", "a-1", "HTTP", "get-HTTP-2"])
def test_kebab_names_are_words_of_one_case(name: str) -> None:
    assert is_kebab_name(name)


@pytest.mark.parametrize("name", ["", "-", "a-", "-a", "a--b", "1a", "aB", "a_b", "a.b", "ä", "a b", "a\n"])
def test_other_names_are_not_kebab(name: str) -> None:
    assert not is_kebab_name(name)
