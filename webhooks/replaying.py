"""Having a delivery answered once more: after a mistake in the component was mended, say."""

from __future__ import annotations

from enum import StrEnum

from django.db import connection

from components.models import Deployment
from components.services import load_deployment
from engine.deployment.routes import Found, RouteTable
from engine.deployment.spec import ComponentSpec
from engine.errors import EngineError
from executions.models import Execution
from webhooks.deliveries import Asked, run_again
from webhooks.host import Endpoint, WebhookHost, endpoint_of, webhook_host
from webhooks.models import Delivery, DeliveryState


class ReplayRefused(EngineError):
    """A delivery that cannot be answered once more; says why in one sentence."""


class DeliveryNotFound(ReplayRefused):
    """There is no such delivery."""


class Against(StrEnum):
    """Which component answers a delivery once more. What it calls is what is deployed now, either way."""

    PRESENT = "present"
    """The one that is mounted there now."""
    AS_DELIVERED = "as_delivered"
    """The version that answered it then."""


def replay(delivery_id: int, asked: Asked, *, against: Against = Against.PRESENT) -> Delivery:
    """Have a delivery answered once more, and return the new delivery.

    The signature is not checked again: it was when the delivery came, and is not kept. The first delivery stays as it
    is. The new one may fail as well, see its state.

    Args:
        delivery_id: Our number of it.
        asked: Who wants that, and why; recorded with the new delivery's execution.
        against: Which component is to answer.

    Raises:
        DeliveryNotFound: If there is none.
        ReplayRefused: If it goes on still, not all of its body was kept, or no such component is there.
        DeploymentError: If a deployment cannot be read, or webhooks cannot be served in this process.
    """
    original = Delivery.objects.filter(pk=delivery_id).first()
    if original is None:
        raise DeliveryNotFound(f"there is no delivery {delivery_id}")
    if (obstacle := obstacle_of(original)) is not None:
        raise ReplayRefused(obstacle)
    host = webhook_host()
    found = _found(host, original, against)
    if not host.admit(found.endpoint):
        raise ReplayRefused(f"{original.endpoint} answers as many requests as it may; try again later")
    # On a thread of its own, whose database connection nobody else's transaction is on.
    return host.submit(_run, host, found, original, asked).result()


def obstacle_of(delivery: Delivery) -> str | None:
    """Return why a delivery can never be answered once more as things stand, or ``None``."""
    if delivery.state == DeliveryState.RUNNING:
        return f"delivery {delivery.pk} is still being answered; wait for that"
    if not delivery.is_whole:
        return (
            f"delivery {delivery.pk} had a body of {delivery.body_size} bytes, of which {len(delivery.body)} were kept "
            "(OBELISK_DELIVERY_BYTES)"
        )
    return None


def component_as_delivered(delivery: Delivery) -> ComponentSpec | None:
    """Return the version of the component that answered a delivery; ``None`` if it is not kept any more.

    Raises:
        DeploymentError: If its deployment cannot be read.
    """
    row = Execution.objects.filter(pk=delivery.execution_id).first()
    deployment = None if row is None else Deployment.objects.filter(pk=row.deployment_id).first()
    if row is None or deployment is None:
        return None
    components = load_deployment(deployment).components
    return next((each for each in components if each.id.digest == row.component_digest and each.webhook), None)


def _found(host: WebhookHost, original: Delivery, against: Against) -> Found[Endpoint]:
    method, path = original.method, original.target.partition("?")[0]
    if against is Against.PRESENT:
        found = host.find(method, path)
        if not isinstance(found, Found) or found.endpoint.name != original.endpoint:
            raise ReplayRefused(f"no route of {original.endpoint} takes {method} {path} now")
        return found
    component = component_as_delivered(original)
    mount = None if component is None else component.webhook
    if component is None or mount is None:
        raise ReplayRefused(f"the version of {original.endpoint} that answered delivery {original.pk} is not kept")
    endpoint = endpoint_of(component, mount)
    found = RouteTable((route, endpoint) for route in mount.routes).find(method, path)
    if not isinstance(found, Found):
        raise ReplayRefused(f"no route of {original.endpoint} took {method} {path} then")
    return found


def _run(host: WebhookHost, found: Found[Endpoint], original: Delivery, asked: Asked) -> Delivery:
    try:
        return run_again(host, found.endpoint, found.params, original, asked)
    finally:
        host.dismiss(found.endpoint)
        connection.close()
