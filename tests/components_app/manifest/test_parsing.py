from __future__ import annotations

from datetime import timedelta

import pytest

from components.manifest import (
    ActivityEntry,
    DeclaredActivityEntry,
    DeclaredFunction,
    EnvVar,
    FileReference,
    HostRule,
    WorkflowEntry,
    parse_manifest,
)
from components.problems import DeploymentRefused
from engine.deployment.spec import (
    BlockingStrategy,
    ComponentType,
    ExecPolicy,
    LockingStrategy,
    LogLevel,
    RetryPolicy,
    StreamTarget,
    WorkflowPolicy,
)
from engine.wit.names import FunctionName
from engine.wit.types import STRING, U8, FunctionType, ListType, Param, ResultType

FIBO = '[[activity_wasm]]\nname = "fibo"\nlocation = "fibo.wasm"\n'
FLOW = '[[workflow_wasm]]\nname = "flow"\nlocation = "flow.wasm"\n'
STUB = '[[activity_stub]]\nffqn = "test:stubs/human.approve"\n'


def activity(extra: str = "") -> ActivityEntry:
    [entry] = parse_manifest(FIBO + extra, file_name="d.toml").entries
    assert isinstance(entry, ActivityEntry)
    return entry


def workflow(extra: str = "") -> WorkflowEntry:
    [entry] = parse_manifest(FLOW + extra, file_name="d.toml").entries
    assert isinstance(entry, WorkflowEntry)
    return entry


def declared(text: str) -> DeclaredActivityEntry:
    [entry] = parse_manifest(text, file_name="d.toml").entries
    assert isinstance(entry, DeclaredActivityEntry)
    return entry


def problems(text: str) -> list[str]:
    with pytest.raises(DeploymentRefused) as caught:
        parse_manifest(text, file_name="d.toml")
    return list(caught.value.problems)


def test_an_activity_has_the_defaults_of_the_reference() -> None:
    entry = activity()

    assert entry.name == "fibo"
    assert entry.file == FileReference(path="fibo.wasm", content_digest=None, key="location")
    assert entry.component_digest is None
    assert entry.exec == ExecPolicy(
        batch_size=5,
        lock_expiry=timedelta(seconds=1),
        locking_strategy=LockingStrategy.BY_FFQNS,
        instance_limit=None,
    )
    assert entry.retry == RetryPolicy(max_retries=5, backoff=timedelta(milliseconds=100))
    assert (entry.env_vars, entry.allowed_hosts) == ((), ())
    assert (entry.stdout, entry.stderr) == (StreamTarget.DB, StreamTarget.DB)
    assert entry.log_level is LogLevel.DEBUG


def test_a_workflow_has_the_defaults_of_the_reference() -> None:
    entry = workflow()

    assert entry.exec.locking_strategy is LockingStrategy.AUTO
    assert entry.retry == RetryPolicy(max_retries=None, backoff=timedelta(milliseconds=100))
    assert entry.policy == WorkflowPolicy(
        blocking_strategy=BlockingStrategy.AWAIT,
        non_blocking_event_batching=100,
        lock_extension=True,
        lock_extension_leeway=timedelta(milliseconds=100),
        commit_window=None,
    )
    assert entry.stub_wasi is False
    assert entry.backtrace_sources == ()


def test_every_key_of_an_activity_is_read() -> None:
    entry = activity(f"""
        content_digest = "sha256:{"a" * 64}"
        component_digest = "sha256:{"b" * 64}"
        max_retries = 0
        retry_exp_backoff = {{ milliseconds = 0 }}
        forward_stdout = "none"
        forward_stderr = "stderr"
        logs_store_min_level = "off"
        env_vars = ["HOME", {{ key = "GREETING", value = "${{WORD:-hello}}" }}]
        exec = {{ batch_size = 7, lock_expiry = {{ minutes = 2 }}, tick_sleep = {{ milliseconds = 5 }}, \
                 locking_strategy = "by_component_digest", instance_limiter = 3 }}
        [[activity_wasm.allowed_host]]
        pattern = "https://*.example.com:8443"
        methods = ["GET", "POST"]
        request_url_regex = "^GET "
        [[activity_wasm.allowed_host]]
        pattern = "*"
        methods = "*"
    """)

    assert entry.file.content_digest == "sha256:" + "a" * 64
    assert entry.component_digest == "sha256:" + "b" * 64
    assert entry.retry == RetryPolicy(max_retries=0, backoff=timedelta())
    assert (entry.stdout, entry.stderr) == (StreamTarget.NONE, StreamTarget.STDERR)
    assert entry.log_level is None
    assert entry.env_vars == (EnvVar(key="HOME", value=None), EnvVar(key="GREETING", value="${WORD:-hello}"))
    assert entry.exec == ExecPolicy(
        batch_size=7,
        lock_expiry=timedelta(minutes=2),
        locking_strategy=LockingStrategy.BY_COMPONENT_DIGEST,
        instance_limit=3,
    )
    assert entry.allowed_hosts == (
        HostRule(pattern="https://*.example.com:8443", methods=("GET", "POST"), request_url_regex="^GET "),
        HostRule(pattern="*", methods=None, request_url_regex=None),
    )


def test_every_key_of_a_workflow_is_read() -> None:
    entry = workflow(f"""
        retry_exp_backoff = {{ hours = 1 }}
        blocking_strategy = {{ kind = "await", non_blocking_event_batching = 7 }}
        lock_extension = false
        lock_extension_leeway = {{ seconds = 2 }}
        commit_window = {{ milliseconds = 0 }}
        stub_wasi = true
        logs_store_min_level = "error"
        exec.locking_strategy = "by_ffqns"
        exec.instance_limiter = "unlimited"
        [workflow_wasm.backtrace.sources]
        "/build/src/lib.rs" = "src/lib.rs"
        ".../src/util.rs" = {{ path = "${{DEPLOYMENT_DIR}}/src/util.rs", content_digest = "sha256:{"c" * 64}" }}
    """)

    assert entry.retry == RetryPolicy(max_retries=None, backoff=timedelta(hours=1))
    assert entry.policy == WorkflowPolicy(
        blocking_strategy=BlockingStrategy.AWAIT,
        non_blocking_event_batching=7,
        lock_extension=False,
        lock_extension_leeway=timedelta(seconds=2),
        commit_window=timedelta(),
    )
    assert entry.stub_wasi is True
    assert entry.log_level is LogLevel.ERROR
    assert entry.exec == ExecPolicy(locking_strategy=LockingStrategy.BY_FFQNS)
    assert [(frame, file.path, file.content_digest) for frame, file in entry.backtrace_sources] == [
        ("/build/src/lib.rs", "src/lib.rs", None),
        (".../src/util.rs", "src/util.rs", "sha256:" + "c" * 64),
    ]


def test_a_workflow_that_unloads_at_once_batches_nothing() -> None:
    policy = workflow('blocking_strategy = "interrupt"').policy

    assert (policy.blocking_strategy, policy.non_blocking_event_batching) == (BlockingStrategy.INTERRUPT, 0)


def test_an_inline_stub_declares_its_function() -> None:
    entry = declared(STUB + 'params = [{ name = "reply_to", type = "u8" }]\nreturn_type = "result<u8, string>"')

    assert entry.component_type is ComponentType.ACTIVITY_STUB
    assert entry.name == "human.approve"
    assert entry.source == DeclaredFunction(
        name=FunctionName.parse("test:stubs/human.approve"),
        type=FunctionType((Param("reply-to", U8),), ResultType(U8, STRING)),
    )


def test_an_inline_declaration_without_types_takes_and_returns_strings() -> None:
    entry = declared('[[activity_external]]\nname = "mail"\nffqn = "test:mail/outbox.send"')

    assert (entry.component_type, entry.name) == (ComponentType.ACTIVITY, "mail")
    assert isinstance(entry.source, DeclaredFunction)
    assert entry.source.type == FunctionType((Param("params", ListType(STRING)),), ResultType(STRING, STRING))


def test_a_declaration_may_take_its_schema_from_a_component() -> None:
    entry = declared('[[activity_stub]]\nname = "human"\nlocation = "human.wasm"')

    assert entry.source == FileReference(path="human.wasm", content_digest=None, key="location")


def test_what_should_be_looked_at_becomes_a_warning() -> None:
    text = (
        FIBO
        + '[[activity_wasm.allowed_host]]\npattern = "example.com"\n'
        + STUB
        + 'params = [{ name = "a_b", type = "u8" }]'
    )

    warnings = parse_manifest(text, file_name="d.toml").warnings

    assert warnings == (
        'd.toml: [[activity_wasm]] #1 "fibo": key "allowed_host[1].methods" is missing or empty, so the entry allows '
        "no request",
        'd.toml: [[activity_stub]] #1 "test:stubs/human.approve": key "params[1].name" is "a_b", read as "a-b"',
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FIBO + "max_retry = 1", 'key "max_retry" is unknown; did you mean "max_retries"?'),
        (FIBO + "exec.batchsize = 1", 'key "exec.batchsize" is unknown; did you mean "batch_size"?'),
        (FIBO + "stub_wasi = true", 'key "stub_wasi" is unknown'),
        (STUB + "max_retries = 1", 'key "max_retries" is unknown'),
        (FIBO + "commit_window = { seconds = 1 }", 'key "commit_window" is unknown'),
        (FLOW + "blocking_strategy = { kind = 'await', batch = 1 }", 'key "blocking_strategy.batch" is unknown'),
        (
            FIBO + "[[activity_wasm.allowed_host]]\npattern = 'a'\nmethods = '*'\nports = 1",
            'key "allowed_host[1].ports" is',
        ),
    ],
)
def test_an_unknown_key_is_refused_with_a_hint(text: str, expected: str) -> None:
    [problem] = problems(text)

    assert expected in problem


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("max_retries = '5'", 'key "max_retries" must be a whole number, got "5"'),
        ("max_retries = true", 'key "max_retries" must be a whole number, got true'),
        ("max_retries = -1", 'key "max_retries" must be between 0 and 4294967295, got -1'),
        ("exec.batch_size = 0", 'key "exec.batch_size" must be between 1 and 4294967295, got 0'),
        ("exec.instance_limiter = 'none'", 'key "exec.instance_limiter" must be a whole number, got "none"'),
        ("exec.lock_expiry = { seconds = 0 }", 'key "exec.lock_expiry" must be longer than zero'),
        ("exec.lock_expiry = 5", 'key "exec.lock_expiry" must be a table of one key such as { seconds = 5 }, got 5'),
        ("exec.lock_expiry = { days = 1 }", 'key "exec.lock_expiry" has the unit "days"; expected milliseconds'),
        ("exec.lock_expiry = { hours = 1e3 }", 'key "exec.lock_expiry.hours" must be a whole number of at least 0'),
        ("exec.lock_expiry = { hours = 9223372036854775807 }", 'key "exec.lock_expiry" is too long'),
        ("exec.locking_strategy = 'auto'", 'key "exec.locking_strategy" is "auto", which only workflows can have'),
        ("exec = 3", 'key "exec" must be a table, got 3'),
        ("forward_stdout = 'log'", 'key "forward_stdout" must be one of "none", "stdout", "stderr", "db", got "log"'),
        ("logs_store_min_level = 3", 'key "logs_store_min_level" must be one of "trace", "debug"'),
        ("content_digest = 'sha256:12'", 'key "content_digest" is "sha256:12"; expected sha256: and 64 lower-case'),
        ("env_vars = ['A', { key = 'A', value = '' }]", 'key "env_vars" sets "A" twice'),
        ("env_vars = [{ key = 'A' }]", 'key "env_vars[1]" must be a name, or a table such as'),
        ("env_vars = ['A=B']", 'key "env_vars[1]" names the variable "A=B"'),
        ("env_vars = [{ key = 'A', value = \"\\u0000\" }]", 'key "env_vars[1]" holds a NUL character'),
        ("env_vars = 'A'", 'key "env_vars" must be a list'),
        ("allowed_host = [3]", 'key "allowed_host[1]" must be a table, got 3'),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(line: str, expected: str) -> None:
    [problem] = problems(FIBO + line)

    assert problem.startswith('d.toml: [[activity_wasm]] #1 "fibo": ')
    assert expected in problem


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("retry_exp_backoff = { seconds = 0 }", 'key "retry_exp_backoff" must be longer than zero for a workflow'),
        ("blocking_strategy = 'hold'", 'key "blocking_strategy" must be one of "await", "interrupt", got "hold"'),
        ("blocking_strategy = { }", 'key "blocking_strategy.kind" is missing'),
        ("backtrace.sources.'a.rs' = '../a.rs'", 'key "backtrace.sources.a.rs" is "../a.rs", which leaves the folder'),
        ("backtrace.sources.'a.rs' = 3", 'key "backtrace.sources.a.rs" must be a string, got 3'),
        ("lock_extension = 1", 'key "lock_extension" must be true or false, got 1'),
    ],
)
def test_a_wrong_value_of_a_workflow_is_refused(line: str, expected: str) -> None:
    [problem] = problems(FLOW + line)

    assert expected in problem


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/etc/passwd", 'is the absolute path "/etc/passwd"; paths are relative to the deployment file'),
        ("../other/a.wasm", 'is "../other/a.wasm", which leaves the folder of the deployment file'),
        ("a/../../b.wasm", 'is "a/../../b.wasm", which leaves the folder of the deployment file'),
        ("${DEPLOYMENT_DIR}/../b.wasm", 'is "../b.wasm", which leaves the folder of the deployment file'),
        ("${DEPLOYMENT_DIR}//etc/passwd", 'is the absolute path "/etc/passwd"'),
        ("oci://registry.example/a:1", "oci:// locations are not supported yet by this version"),
        ("${DEPLOYMENT_DIR}/", "is not a path"),
        ("a\\u0000b", "holds a NUL character"),
    ],
)
def test_a_path_outside_the_folder_is_refused(location: str, expected: str) -> None:
    [problem] = problems(f'[[activity_wasm]]\nname = "a"\nlocation = "{location}"')

    assert problem.startswith('d.toml: [[activity_wasm]] #1 "a": key "location" ')
    assert expected in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ffqn = "test:stubs/human"', 'key "ffqn" is not a function name: '),
        ('params = [{ name = "a", type = "u9" }]', 'key "params[1].type" is not a type: column 1: unknown type `u9`'),
        ('params = [{ name = "a" }]', 'key "params[1].type" is missing'),
        ('params = [{ name = "9", type = "u8" }]', 'key "params[1].name" is "9"; a parameter name is'),
        (
            'params = [{ name = "a", type = "u8" }, { name = "a", type = "u8" }]',
            'key "params" has two parameters named "a"',
        ),
        ('return_type = "result<"', 'key "return_type" is not a type: '),
        ('location = "a.wasm"', 'key "location" stands beside "ffqn"; an entry has one of them'),
        ('wit = "wit"', 'key "wit" names "wit", which cannot be read: the deployment file is by itself'),
        ('wit = "../wit"', 'key "wit" is "../wit", which leaves the folder of the deployment file'),
    ],
)
def test_a_wrong_declaration_is_refused(text: str, expected: str) -> None:
    head = "[[activity_stub]]\n" if text.startswith("ffqn") else STUB

    [problem] = problems(head + text)

    assert expected in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name = ", "d.toml: this is not TOML: "),
        ("a = " + "[" * 5000, "d.toml: its values are nested too deeply"),
        ("", "d.toml: there is no component in it"),
        (
            '[activity_wasm]\nname = "a"',
            'd.toml: "activity_wasm" must be a list of tables, each headed [[activity_wasm]]',
        ),
        ("[[activity_wsm]]", 'd.toml: table "activity_wsm" is unknown; did you mean "activity_wasm"?'),
        ('[[activity_wasm]]\nname = "a b"\nlocation = "a"', 'key "name" is "a b"; a name is made of ASCII letters'),
        ('[[activity_wasm]]\nname = "a"\nlocation = ""', '#1 "a": key "location" is empty'),
        ('[[activity_wasm]]\nname = ""\nlocation = "a"', 'key "name" is empty'),
        ('[[activity_wasm]]\nlocation = "a"', 'd.toml: [[activity_wasm]] #1: key "name" is missing'),
        ('[[activity_wasm]]\nname = "a"', 'd.toml: [[activity_wasm]] #1 "a": key "location" is missing'),
        (FIBO + FIBO, 'd.toml: [[activity_wasm]] #2 "fibo": the name "fibo" is taken by [[activity_wasm]] #1 "fibo"'),
    ],
)
def test_a_file_that_is_no_deployment_is_refused(text: str, expected: str) -> None:
    [problem] = problems(text)

    assert expected in problem


def test_all_problems_are_reported_together() -> None:
    found = problems(FIBO + "max_retry = 1\nforward_stdout = 3\n" + FLOW + "stub_wasi = 'yes'\n[[cron]]\n")

    assert len(found) == 5


def test_a_line_break_in_a_name_does_not_break_the_sentence() -> None:
    [problem] = problems(FIBO + '"max\\nretry\\u001b[31m" = 1')

    assert 'key "max\\nretry\\x1b[31m" is unknown' in problem
