from __future__ import annotations

import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from components.models import Blob, Component, Function
from components.preparation import prepare
from components.prepared import Origin
from components.problems import DeploymentRefused
from components.services import activate, active_deployment, deploy, wasm_bytes
from components.stub_words import StubWords, stub_words
from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentType, LockingStrategy, Runner
from engine.errors import ValueMismatch
from executions.operations.submitting import find_function
from tests.components_app.builders import from_file, without_compiler

pytestmark = pytest.mark.django_db

TRIPS = """
    from __future__ import annotations
    from datetime import timedelta
    from obelisk import activity, imported, signal, stub, workflow

    PACKAGE = "acme:trips"

    @activity(max_retries=3, retry_backoff=timedelta(milliseconds=200), attempt_timeout=timedelta(seconds=10))
    def book_hotel(city: str, nights: int = 1) -> str:
        return city

    @activity
    def quote(city: str) -> int:
        return len(city)

    @stub
    def approve(city: str) -> bool: ...

    @signal
    def paid() -> int: ...

    @workflow(cancellable=True)
    def tour(cities: list[str]) -> list[str]:
        return [book_hotel(city) for city in cities]
"""

PYTHON = """
    [[python]]
    name = "trips"
    location = "trips.py"
"""


def write(folder: Path, toml: str, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    path = folder / "deployment.toml"
    path.write_text(textwrap.dedent(toml))
    return path


def refusal(folder: Path, toml: str, **files: str) -> tuple[str, ...]:
    with pytest.raises(DeploymentRefused) as caught:
        prepare(write(folder, toml, **files))
    return caught.value.problems


def test_one_file_becomes_activities_workflows_and_stubs(tmp_path: Path) -> None:
    result = deploy(write(tmp_path, PYTHON, trips=TRIPS))

    rows = Component.objects.order_by("position")
    assert [(row.name, row.component_type, row.runner) for row in rows] == [
        ("trips.activities", ComponentType.ACTIVITY, Runner.SOURCE),
        ("trips.workflows", ComponentType.WORKFLOW, Runner.SOURCE),
        ("trips.stubs", ComponentType.ACTIVITY_STUB, Runner.NONE),
    ]
    assert list(Function.objects.deployed().values_list("ffqn", "return_type", "submittable")) == [
        ("acme:trips/activities.book-hotel", "result<string, string>", True),
        ("acme:trips/activities.quote", "result<s64, string>", True),
        ("acme:trips/workflows.tour-cancellable", "result<list<string>, string>", True),
        ("acme:trips/stubs.approve", "result<bool, string>", False),
        ("acme:trips/signals.paid", "result<s64, string>", False),
    ]
    assert {component.origin for component in result.prepared.components} == {Origin.READ}


def test_what_is_loaded_equals_what_was_prepared(tmp_path: Path) -> None:
    result = deploy(write(tmp_path, PYTHON, trips=TRIPS))

    loaded = active_deployment()

    assert loaded is not None
    assert from_file(loaded) == tuple(component.spec for component in result.prepared.components)


def test_the_operators_word_beats_the_decorators(tmp_path: Path) -> None:
    toml = PYTHON + "functions.book_hotel = { max_retries = 9 }\nexec.lock_expiry = { seconds = 60 }\n"
    deploy(write(tmp_path, toml, trips=TRIPS))

    deployment = active_deployment()
    assert deployment is not None
    registry = Registry(deployment)
    book, quote = (registry.find(f"acme:trips/activities.{name}") for name in ("book-hotel", "quote"))
    assert book is not None
    assert quote is not None
    assert (book.retry.max_retries, book.retry.backoff) == (9, timedelta(milliseconds=200))
    assert (book.lock_expiry, quote.lock_expiry) == (timedelta(seconds=10), timedelta(seconds=60))
    assert (quote.retry.max_retries, quote.component.exec.locking_strategy) == (5, LockingStrategy.BY_FFQNS)


def test_an_attempt_may_take_half_a_minute_unless_it_is_told(tmp_path: Path) -> None:
    deploy(write(tmp_path, PYTHON, trips=TRIPS))

    deployment = active_deployment()
    assert deployment is not None
    quote = Registry(deployment).find("acme:trips/activities.quote")
    assert quote is not None
    assert quote.lock_expiry == timedelta(seconds=30)


def test_parameters_with_defaults_may_be_left_out_of_the_input(tmp_path: Path) -> None:
    deploy(write(tmp_path, PYTHON, trips=TRIPS))

    book = find_function("acme:trips/activities.book-hotel")
    assert book.read_params(["Rome"]) == ["Rome"]
    assert book.read_params(["Rome", 2]) == ["Rome", 2]
    with pytest.raises(ValueMismatch, match="expected: 1 to 2, specified: 0"):
        book.read_params([])


def test_the_interpreter_and_the_artefact_are_stored(tmp_path: Path) -> None:
    deploy(write(tmp_path, PYTHON, trips=TRIPS))

    activities = Component.objects.get(name="trips.activities")
    workflows = Component.objects.get(name="trips.workflows")
    assert activities.wasm_id == workflows.wasm_id
    assert activities.artefact_id == workflows.artefact_id
    assert activities.artefact_id is not None
    assert wasm_bytes(activities.artefact_id)
    assert Blob.objects.filter(digest=activities.config["source"]["files"]["trips.py"]).exists()


def test_deploying_the_same_again_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, PYTHON, trips=TRIPS)
    first = deploy(path)

    second = deploy(path)

    assert first.is_new
    assert not second.is_new


def test_a_change_of_the_source_is_another_component_and_takes_no_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = deploy(write(tmp_path, PYTHON, trips=TRIPS))
    path = write(tmp_path, PYTHON, trips=TRIPS + "\n")
    without_compiler(monkeypatch)

    second = activate(prepare(path))

    digests = [[each.spec.id.digest for each in result.prepared.components] for result in (first, second)]
    assert second.is_new
    assert not set(digests[0]) & set(digests[1])


def test_options_of_the_entry_are_no_part_of_the_digest(tmp_path: Path) -> None:
    first = prepare(write(tmp_path, PYTHON, trips=TRIPS))
    second = prepare(write(tmp_path, PYTHON + "max_retries = 1\n", trips=TRIPS))

    assert [each.spec.id.digest for each in first.components] == [each.spec.id.digest for each in second.components]


def test_source_may_stand_in_the_deployment_file(tmp_path: Path) -> None:
    toml = """
        [[python]]
        name = "inline"
        package = "acme:inline"
        content = '''
        from obelisk import activity
        @activity
        def double(n: int) -> int:
            return 2 * n
        '''
    """
    deploy(write(tmp_path, toml.replace("        ", "")))

    assert Function.objects.deployed().get().ffqn == "acme:inline/activities.double"


def test_other_files_are_importable_and_their_functions_exported(tmp_path: Path) -> None:
    toml = PYTHON + 'files = ["pricing.py"]\npackage = "acme:trips"\n'
    pricing = """
        from obelisk import activity
        FACTOR = 3
        @activity
        def price(n: int) -> int:
            return n * FACTOR
    """
    trips = """
        import pricing
        from obelisk import workflow
        @workflow
        def total(n: int) -> int:
            return pricing.price(n) + pricing.FACTOR
    """
    deploy(write(tmp_path, toml, trips=trips, pricing=pricing))

    assert {function.ffqn for function in Function.objects.deployed()} == {
        "acme:trips/activities.price",
        "acme:trips/workflows.total",
    }


def test_one_function_can_be_named_by_the_entry(tmp_path: Path) -> None:
    toml = """
        [[activity_py]]
        ffqn = "acme:single/api.add-up"
        location = "add.py"

        [[workflow_py]]
        ffqn = "acme:single/flows.sum-all"
        location = "sums.py"
        params = [{ name = "numbers", type = "list<s64>" }]
        return_type = "result<s64, string>"
    """
    add = """
        def add_up(a: int, b: int) -> int:
            return a + b
    """
    sums = """
        from obelisk import imported, workflow
        @imported("acme:single/api.add-up")
        def add_up(a: int, b: int) -> int: ...
        def sum_all(numbers):
            total = 0
            for number in numbers:
                total = add_up(total, number)
            return total
    """
    deploy(write(tmp_path, toml, add=add, sums=sums))

    assert list(Function.objects.deployed().values_list("ffqn", "kind", "return_type")) == [
        ("acme:single/api.add-up", "activity", "result<s64, string>"),
        ("acme:single/flows.sum-all", "workflow", "result<s64, string>"),
    ]


def test_every_problem_of_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    trips = """
        from obelisk import activity
        PACKAGE = "acme:trips"

        @activity
        def one(name) -> str:
            return name

        @activity
        def two(names: list) -> str:
            return ""
    """

    assert refusal(tmp_path, PYTHON, trips=trips) == (
        "trips.py:5: one: parameter 'name' has no type hint",
        "trips.py:9: two(names): list needs its parts, e.g. list[str]",
    )


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('PACKAGE = "acme:other"', "trips.py:3: PACKAGE is 'acme:other', but the deployment entry says 'acme:trips'"),
        ("def broken(:", "trips.py:3: invalid syntax"),
        (
            "import numpy",
            "trips.py:3: ModuleNotFoundError: numpy is not in the sandbox; it has the standard library's "
            "pure modules and the files of this component",
        ),
        ("raise ValueError('no')", "trips.py:3: ValueError: no"),
        ("", "trips.py:1: no function is decorated; write @activity or @workflow above one"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused(tmp_path: Path, body: str, problem: str) -> None:
    text = f"from obelisk import activity\n\n{body}\n"
    toml = PYTHON + 'package = "acme:trips"\n'

    assert refusal(tmp_path, toml, trips=text) == (problem,)


def test_an_import_that_nobody_exports_is_refused(tmp_path: Path) -> None:
    trips = (
        TRIPS
        + """
    @imported("testing:fibo/fibo.fibo")
    def fibo(n: int) -> int: ...
    @imported("acme:trips/activities.book-hotel")
    def book(city: int, nights: int) -> str: ...
    @imported("acme:trips/activities.quote")
    def quoted(city: str) -> str: ...
    """
    )

    assert refusal(tmp_path, PYTHON, trips=trips) == (
        "trips.py:26: fibo: no component exports testing:fibo/fibo.fibo",
        "trips.py:28: book(city): acme:trips/activities.book-hotel takes string, got s64",
        "trips.py:30: quoted -> return: acme:trips/activities.quote returns s64, got string",
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('package = "trips"', 'key "package" is "trips"; a package is namespace:name, such as acme:trips'),
        ("functions.nothing = { max_retries = 1 }", 'key "functions.nothing" names no activity of the file'),
        ('content = "x"', 'key "location" stands beside "content"; an entry has one of them'),
        ('files = ["../up.py"]', 'key "files[1]" is "../up.py", which leaves the folder of the deployment file'),
        (
            "functions.quote = { tries = 1 }",
            'key "functions.quote.tries" is unknown; did you mean "max_retries"?',
        ),
    ],
)
def test_a_wrong_key_is_told_with_its_place(tmp_path: Path, line: str, problem: str) -> None:
    assert refusal(tmp_path, PYTHON + line + "\n", trips=TRIPS) == (
        f'deployment.toml: [[python]] #1 "trips": {problem}',
    )


def test_a_secret_in_the_environment_is_not_stored_with_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTEL_TOKEN", "s3cret")
    deploy(write(tmp_path, PYTHON + 'env_vars = ["HOTEL_TOKEN"]\n', trips=TRIPS))

    assert not any(b"s3cret" in bytes(blob.content) for blob in Blob.objects.exclude(size__gt=1_000_000))
    assert "s3cret" not in str(list(Component.objects.values_list("config", flat=True)))


def test_what_a_stub_says_to_people_is_kept(tmp_path: Path) -> None:
    source = TRIPS.replace("@stub\n", '@stub(title="May they go?", group="managers")\n')
    deployment = deploy(write(tmp_path, PYTHON, trips=source)).deployment

    assert stub_words(deployment.deployment_id) == {"acme:trips/stubs.approve": StubWords("May they go?", "managers")}


@pytest.mark.parametrize("option", ['title=""', "group=5", f'title="{"x" * 151}"'])
def test_a_stub_says_nothing_that_people_could_not_read(tmp_path: Path, option: str) -> None:
    (problem,) = refusal(tmp_path, PYTHON, trips=TRIPS.replace("@stub\n", f"@stub({option})\n"))

    assert problem.startswith("trips.py:16: approve: ")
    assert problem.endswith(("- at `$.title`", "- at `$.group`"))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("max_retries='a'", "trips.py:4: book: Expected `int | null`, got `str` - at `$.max_retries`"),
        ("max_retries=10**40", "trips.py:4: book: Expected `int | null`, got `float` - at `$.max_retries`"),
        ("retry_backoff=timedelta(days=-1)", "trips.py:4: book: Expected `int` >= 0 - at `$.retry_backoff_ms`"),
        (
            "attempt_timeout=timedelta.max",
            "trips.py:4: book: Expected `int` <= 100000000000000 - at `$.attempt_timeout_ms`",
        ),
    ],
)
def test_an_activity_says_nothing_that_no_executor_could_keep(tmp_path: Path, options: str, problem: str) -> None:
    assert refusal(tmp_path, PYTHON, trips=_decorated(options)) == (problem,)


def _decorated(options: str) -> str:
    return (
        "from datetime import timedelta\nfrom obelisk import activity\nPACKAGE = 'acme:trips'\n"
        f"@activity({options})\ndef book() -> None: ...\n"
    )


def test_a_file_that_would_end_the_interpreter_is_refused(tmp_path: Path) -> None:
    (problem,) = refusal(tmp_path, PYTHON, trips="import os\nos._exit(3)\n")

    assert (
        problem
        == "trips.py:1: the file cannot be imported: the sandbox of a source component has no wasi:cli/exit.exit"
    )


def test_a_file_of_too_many_functions_is_refused(tmp_path: Path) -> None:
    functions = "".join(f"@activity\ndef f{number}() -> None: ...\n" for number in range(1001))

    (problem,) = refusal(tmp_path, PYTHON, trips="from obelisk import activity\nPACKAGE = 'acme:trips'\n" + functions)

    assert "Expected `array` of length <= 1000" in problem
