"""Which deployment's components a page shows: the active one's, unless the address names another."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from components.deployed_rows import callable_components
from components.models import Component, Deployment, DeploymentStatus, Function
from console.code.links import Linking


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A deployment with its components, and the addresses of their pages.

    Args:
        deployment: Which one; ``None`` if nothing was ever deployed.
        rows: Its components with their functions, in the order of the deployment file.
    """

    deployment: Deployment | None
    rows: list[tuple[Component, list[Function]]] = field(default_factory=list)

    @property
    def query(self) -> str:
        """What an address needs to stay with this deployment: nothing while it is the active one."""
        if self.deployment is None or self.deployment.status == DeploymentStatus.ACTIVE:
            return ""
        return f"?{urlencode({'deployment': self.deployment.deployment_id})}"

    @cached_property
    def linking(self) -> Linking:
        """Who calls whom in it."""
        return Linking(self.rows)

    def component_url(self, row: Component) -> str:
        """Return where a component's page is."""
        # Two components may be the same code under two names.
        others = [other for other, _ in self.rows if other.digest == row.digest]
        name = {"name": row.name} if len(others) > 1 else {}
        return self._url("console_component", row.digest, **name)

    def wit_url(self, interface: object) -> str:
        """Return where an interface's page is."""
        return self._url("console_wit_interface", str(interface))

    def has_page(self, row: Component) -> bool:
        """Tell whether a component has a page of its own; what has no code has none."""
        return row.component_type != "cron"

    def _url(self, name: str, subject: str, **query: str) -> str:
        if self.query and self.deployment is not None:
            query["deployment"] = self.deployment.deployment_id
        url = reverse(f"admin:{name}", args=[subject])
        return f"{url}?{urlencode(query)}" if query else url


def shown(request: HttpRequest) -> Shown:
    """Return what the address asks for.

    Raises:
        Http404: If it names a deployment that is not there.
    """
    wanted = request.GET.get("deployment", "")
    if wanted:
        deployment = Deployment.objects.filter(pk=wanted).first() if "\0" not in wanted else None
        if deployment is None:
            raise Http404(f"There is no deployment {wanted[:100]}.")
        return _shown(deployment)
    return active()


def active() -> Shown:
    """Return the deployment that runs."""
    return _shown(Deployment.objects.active().first())


def _shown(deployment: Deployment | None) -> Shown:
    return Shown(deployment=deployment, rows=[] if deployment is None else callable_components(deployment))
