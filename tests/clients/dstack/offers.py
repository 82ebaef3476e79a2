"""What dstack lists of a Nebius backend, by the server's own code."""

import asyncio

from dstack._internal.core.models.resources import ResourcesSpec
from dstack._internal.core.models.runs import Requirements
from dstack._internal.server.services.backends import get_backend_offers

ANY = Requirements(resources=ResourcesSpec())
DENIED = {
    "method": "QuotaAllowanceService/List",
    "status": {"code": "PERMISSION_DENIED", "message": "no viewer role"},
}
EIGHT_H200 = "gpu-h200-sxm 8gpu-128vcpu-1600gb"
"""Takes 8 GPUs of a limit of 32, of which 30 are used."""


def offers_of(backend):
    """What `dstack offer` lists, through the server's own path."""
    listed = get_backend_offers(
        [backend], ANY, full_offers=True, unallocated_resources=False, exclude_not_available=False
    )
    return [offer for _, offer in asyncio.run(listed)]


def offer_of(backend, instance_type, region="eu-north1", spot=False):
    return next(
        offer
        for offer in offers_of(backend)
        if (offer.instance.name, offer.region, offer.instance.resources.spot) == (instance_type, region, spot)
    )
