"""Finding the execution that an address names."""

from __future__ import annotations

from django.http import Http404

from executions.models import Execution


def found(execution_id: str) -> Execution:
    """Return an execution.

    Raises:
        Http404: If there is none.
    """
    row = Execution.objects.filter(pk=execution_id).first()
    if row is None:
        raise Http404(f"There is no execution {execution_id}; retention may have removed it.")
    return row
