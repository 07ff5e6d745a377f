"""How a workflow waits and writes, as its entry says.

Source:
    Obelisk reference, section 1.2; ``commit_window`` is ours.
"""

from __future__ import annotations

from components.manifest.table_reader import U32_MAX, TableReader
from engine.deployment.spec import BlockingStrategy, WorkflowPolicy

_DEFAULT_POLICY = WorkflowPolicy()


def read_policy(reader: TableReader) -> WorkflowPolicy:
    """Read the keys about waiting and writing."""
    strategy, batching = _read_blocking_strategy(reader)
    return WorkflowPolicy(
        blocking_strategy=strategy,
        non_blocking_event_batching=batching,
        lock_extension=reader.boolean("lock_extension", default=_DEFAULT_POLICY.lock_extension),
        lock_extension_leeway=reader.duration("lock_extension_leeway", default=_DEFAULT_POLICY.lock_extension_leeway),
        commit_window=reader.optional_duration("commit_window"),
    )


def _read_blocking_strategy(reader: TableReader) -> tuple[BlockingStrategy, int]:
    """Read ``"await"``, ``"interrupt"`` or a table; a run that unloads at once has nothing to batch."""
    if not isinstance(reader.value("blocking_strategy"), dict):
        strategy = reader.choice("blocking_strategy", BlockingStrategy, default=_DEFAULT_POLICY.blocking_strategy)
        batching = _DEFAULT_POLICY.non_blocking_event_batching
    else:
        table = reader.table("blocking_strategy")
        assert table is not None
        table.required_string("kind")
        strategy = table.choice("kind", BlockingStrategy, default=_DEFAULT_POLICY.blocking_strategy)
        batching = table.integer(
            "non_blocking_event_batching", default=_DEFAULT_POLICY.non_blocking_event_batching, maximum=U32_MAX
        )
        table.refuse_unknown_keys()
    return strategy, 0 if strategy is BlockingStrategy.INTERRUPT else batching
