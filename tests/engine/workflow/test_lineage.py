from __future__ import annotations

from engine.workflow.inheritance import SEED_KEY
from engine.workflow.lineage import Ancestor, Lineage, began_at, lineage_metadata, lineage_of, seed_of
from tests.builders import NOW, after, make_execution_id

E1, E2 = (make_execution_id(number) for number in (1, 2))
LINEAGE = Lineage(NOW, (Ancestor(E1, "0a", 3), Ancestor(E2, "0b", 7)))


def test_a_lineage_is_read_back_from_the_metadata() -> None:
    assert lineage_of((("other", "x"), *lineage_metadata(LINEAGE))) == LINEAGE
    assert lineage_of((("other", "x"),)) is None


def test_a_fork_began_when_its_oldest_ancestor_did() -> None:
    assert began_at(lineage_metadata(LINEAGE), after(9)) == NOW
    assert began_at((), after(9)) == after(9)


def test_the_seed_is_the_metadatas_or_follows_from_the_id() -> None:
    assert seed_of(((SEED_KEY, "0c"),), E1) == "0c"
    assert seed_of((), E1) != seed_of((), E2)
    assert len(bytes.fromhex(seed_of((), E1))) == 16
