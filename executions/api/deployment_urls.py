"""The endpoints under ``/v1/`` that are about components, deployments, files and schedules."""

from __future__ import annotations

from django.urls import path, register_converter

from executions.api import component_views as components
from executions.api import cron_views as crons
from executions.api import deployment_views as deployments
from executions.api import garbage_views as garbage
from executions.api.paths import NameConverter

register_converter(NameConverter, "api_name")

_ONE = "deployments/<api_name:deployment_id>"

deployment_urls = [
    path("components", components.ComponentListView.as_view(), name="api-components"),
    path("components/<api_name:digest>/wit", components.ComponentWitView.as_view(), name="api-component-wit"),
    path("wit", components.WitView.as_view(), name="api-wit"),
    path("files/<api_name:digest>", components.FileView.as_view(), name="api-file"),
    path("deployment-id", deployments.DeploymentIdView.as_view(), name="api-deployment-id"),
    path("deployments", deployments.DeploymentsView.as_view(), name="api-deployments"),
    path("deployments/gc", garbage.DeploymentGarbageView.as_view(), name="api-deployment-gc"),
    path(_ONE, deployments.DeploymentView.as_view(), name="api-deployment"),
    path(f"{_ONE}/switch", deployments.DeploymentSwitchView.as_view(), name="api-deployment-switch"),
    path(f"{_ONE}/verify", deployments.DeploymentVerifyView.as_view(), name="api-deployment-verify"),
    path(f"{_ONE}/rehearsal", deployments.DeploymentRehearsalView.as_view(), name="api-deployment-rehearsal"),
    path(
        "deployments/<api_name:before>/diff/<api_name:after>", deployments.DeploymentDiffView.as_view(), name="api-diff"
    ),
    path("crons", crons.CronListView.as_view(), name="api-crons"),
    path("crons/<api_name:name>/trigger", crons.CronTriggerView.as_view(), name="api-cron-trigger"),
    path("crons/<api_name:name>/pause", crons.CronPauseView.as_view(), name="api-cron-pause"),
    path("crons/<api_name:name>/unpause", crons.CronUnpauseView.as_view(), name="api-cron-unpause"),
    path("crons/<api_name:name>/skip", crons.CronSkipView.as_view(), name="api-cron-skip"),
]
