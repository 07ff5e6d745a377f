"""Whether what the clock is to start can be started.

Source:
    Obelisk reference, section 11.3 step 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.cron.schedule import CronSchedule
from engine.deployment.problems import Problem
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import ComponentSpec, CronSpec
from engine.errors import CronSyntaxError, ValueMismatch
from engine.wit.json_values import load_json


def cron_problems(crons: Sequence[CronSpec], components: Sequence[ComponentSpec]) -> Iterator[Problem]:
    """Return why entries cannot be part of a deployment.

    Args:
        crons: The entries.
        components: All components of the deployment.
    """
    functions = {
        str(function.name): DeployedFunction(function, component)
        for component in components
        for function in component.functions
    }
    taken = {component.id.name for component in components}
    for cron in crons:
        if cron.id.name in taken:
            yield _problem(cron, "a component has the same name")
        try:
            CronSchedule.parse(cron.schedule.text, cron.schedule.timezone)
        except CronSyntaxError as error:
            # It was stored where more time zones are known.
            yield _problem(cron, str(error))
        function = functions.get(str(cron.target))
        if function is None:
            yield _problem(cron, f"no component exports {cron.target}")
        elif not function.is_submittable:
            yield _problem(cron, f"{cron.target} is a stub: only a workflow that waits for it can start it")
        elif problem := _params_problem(cron, function):
            yield _problem(cron, problem)


def _params_problem(cron: CronSpec, function: DeployedFunction) -> str | None:
    try:
        function.read_params(load_json(cron.params))
    except ValueMismatch as error:
        return f"params: {error}"
    return None


def _problem(cron: CronSpec, message: str) -> Problem:
    return Problem(component=cron.id.name, place="", message=message)
