"""Whether a stored deployment could be run here and now, without reading or compiling any of its files.

Source:
    Obelisk reference, sections 5.11 and 11.3 steps 4 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass

from components.assumed_environ import AssumedEnviron
from components.config_codec import decode_config
from components.django_activities import django_activities
from components.models import Component, Deployment
from components.operator import operator_config, visible_environ
from components.operator_leave import limit_problems, secret_problems
from components.problems import DeploymentRefused
from components.services import is_cron, load_component, load_cron
from engine.deployment.crons import cron_problems
from engine.deployment.program_permission import program_problem
from engine.deployment.spec import ComponentSpec, CronSpec
from engine.deployment.verify import verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What stands against running a deployment.

    Args:
        problems: What is wrong with it wherever it is run.
        unavailable: What this machine lacks to run it: variables, secrets, leave for programs.
    """

    problems: tuple[str, ...]
    unavailable: tuple[str, ...]

    def refuse(self, *, allow_unavailable: bool = False) -> None:
        """Do nothing if all is well.

        Raises:
            DeploymentRefused: If not.
        """
        found = self.problems if allow_unavailable else (*self.problems, *self.unavailable)
        if found:
            raise DeploymentRefused(found)


def verify_deployment(deployment: Deployment) -> Verification:
    """Look whether a stored deployment could be run here.

    Raises:
        DeploymentError: If it was stored by a version that this one cannot read, or the operator's configuration or an
            activity of an installed app cannot be used.
    """
    operator, environ = operator_config(), visible_environ()
    problems: list[str] = []
    unavailable: list[str] = []
    specs: list[ComponentSpec] = []
    crons: list[CronSpec] = []
    for row in deployment.components.order_by("position").prefetch_related("functions"):
        if is_cron(row):
            crons.append(load_cron(row))
            continue
        config = decode_config(row.config)
        problems += limit_problems(row.name, config)
        unavailable += secret_problems(row.name, config, operator)
        if config.process is not None and row.artefact_id is not None:
            refused = program_problem(row.name, row.artefact_id, operator.programs)
            unavailable += [refused] if refused else []
        try:
            specs.append(load_component(row, environ=environ))
        except DeploymentRefused as error:
            unavailable += error.problems
            specs.append(_assume_available(row))
    specs += django_activities().components
    problems += map(str, verify(specs))
    problems += map(str, cron_problems(crons, specs))
    return Verification(problems=tuple(problems), unavailable=tuple(unavailable))


def _assume_available(row: Component) -> ComponentSpec:
    return load_component(row, environ=AssumedEnviron({}))
