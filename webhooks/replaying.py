"""Having a delivery answered once more: after a mistake in the component was mended, say."""

from __future__ import annotations

from django.db import connection

from engine.deployment.routes import Found
from engine.errors import EngineError
from webhooks.deliveries import run_again
from webhooks.host import Endpoint, WebhookHost, webhook_host
from webhooks.models import Delivery, DeliveryState


class ReplayRefused(EngineError):
    """A delivery that cannot be answered once more; says why in one sentence."""


class DeliveryNotFound(ReplayRefused):
    """There is no such delivery."""


def replay(delivery_id: int) -> Delivery:
    """Have the component that is mounted there now answer a delivery once more, and return the new delivery.

    The signature is not checked again: it was when the delivery came, and is not kept. The first delivery stays as it
    is. The new one may fail as well, see its state.

    Args:
        delivery_id: Our number of it.

    Raises:
        DeliveryNotFound: If there is none.
        ReplayRefused: If it goes on still, not all of its body was kept, or no endpoint takes it now.
        DeploymentRefused: If webhooks cannot be served in this process.
    """
    original = Delivery.objects.filter(pk=delivery_id).first()
    if original is None:
        raise DeliveryNotFound(f"there is no delivery {delivery_id}")
    if original.state == DeliveryState.RUNNING:
        raise ReplayRefused(f"delivery {delivery_id} is still being answered; wait for that")
    if not original.is_whole:
        raise ReplayRefused(
            f"delivery {delivery_id} had a body of {original.body_size} bytes, of which {len(original.body)} were kept "
            "(OBELISK_DELIVERY_BYTES)"
        )
    host = webhook_host()
    found = host.find(original.method, original.target.partition("?")[0])
    if not isinstance(found, Found) or found.endpoint.name != original.endpoint:
        raise ReplayRefused(f"no route of {original.endpoint} takes {original.method} {original.target} now")
    if not host.admit(found.endpoint):
        raise ReplayRefused(f"{original.endpoint} answers as many requests as it may; try again later")
    # On a thread of its own, whose database connection nobody else's transaction is on.
    return host.submit(_run, host, found, original).result()


def _run(host: WebhookHost, found: Found[Endpoint], original: Delivery) -> Delivery:
    try:
        return run_again(host, found.endpoint, found.params, original)
    finally:
        host.dismiss(found.endpoint)
        connection.close()
