"""The deployment that an address names."""

from __future__ import annotations

from django.http import Http404

from components.models import Deployment
from components.switching import DeploymentNotFound, find_deployment

DEPLOYMENT_ID = r"Dep_[0-9A-Za-z]{26}"


class DeploymentIdConverter:
    """A deployment's id in a path."""

    regex = DEPLOYMENT_ID

    def to_python(self, value: str) -> str:
        """Return the id."""
        return value

    def to_url(self, value: str) -> str:
        """Return the id."""
        return value


def found(deployment_id: str) -> Deployment:
    """Return a deployment.

    Raises:
        Http404: If there is none.
    """
    try:
        return find_deployment(deployment_id)
    except DeploymentNotFound as error:
        raise Http404(f"There is no deployment {deployment_id}; it may have been deleted.") from error
