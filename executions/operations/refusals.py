"""What an operation says when it cannot be carried out; API, client and admin show the sentence."""

from __future__ import annotations

from engine.errors import EngineError


class OperationRefused(EngineError):
    """The execution's state, or what is deployed, does not allow the operation; says why in one sentence."""
