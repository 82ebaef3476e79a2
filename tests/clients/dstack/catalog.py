"""A small gpuhunt catalogue of the emulator's account, on disk, so that dstack lists its offers offline."""

import json
import tempfile
import zipfile
from pathlib import Path

from gpuhunt import CatalogItem
from gpuhunt._internal import storage
from gpuhunt._internal.catalog import OFFLINE_PROVIDERS
from gpuhunt._internal.models import AcceleratorVendor

# Platforms that dstack supports, as it and gpuhunt call their GPUs; prices are made up.
GPUS = {
    "gpu-h100-sxm": ("H100", 80.0, 2.95),
    "gpu-h200-sxm": ("H200", 141.0, 3.5),
    "gpu-b200-sxm": ("B200", 180.0, 5.5),
    "gpu-b200-sxm-a": ("B200", 180.0, 5.5),
    "gpu-l40s-a": ("L40S", 48.0, 1.55),
    "gpu-l40s-d": ("L40S", 48.0, 1.6),
    "gpu-rtx6000": ("RTXPRO6000", 96.0, 1.8),
    "cpu-d3": (None, None, 0.1),
    "cpu-e2": (None, None, 0.1),
}


def items_of(world: Path, copies: int = 1) -> list[CatalogItem]:
    """Every type that the world's projects are offered, under both lifecycles; ``copies`` of it, under names that no
    cloud has, for long lists."""
    items = []
    for project in json.loads((world / "tenant/projects.json").read_text())["items"]:
        region = project["spec"]["region"]
        platforms = world / "projects" / project["metadata"]["id"] / "platforms.json"
        for platform in json.loads(platforms.read_text())["items"]:
            name = platform["metadata"]["name"]
            if name not in GPUS:
                continue
            for preset in platform["spec"]["presets"]:
                for copy in range(copies):
                    items += _items(name, preset, region, f"-x{copy}" if copy else "")
    return items


def write(root: Path, items: list[CatalogItem]) -> str:
    """Writes a catalogue; gives the address for ``GPUHUNT_CATALOG_URL``. Other providers are there, and empty."""
    for provider in OFFLINE_PROVIDERS:
        folder = root / provider / "1"
        folder.mkdir(parents=True)
        (root / provider / "version").write_text("1\n")
        with tempfile.NamedTemporaryFile("r", suffix=".csv") as table:
            storage.dump(items if provider == "nebius" else [], table.name)
            with zipfile.ZipFile(folder / "catalog.zip", "w") as archive:
                archive.write(table.name, f"{provider}.csv")
    return root.as_uri()


def _items(platform: str, preset: dict, region: str, suffix: str) -> list[CatalogItem]:
    gpu, memory, price = GPUS[platform]
    resources = preset["resources"]
    gpus = resources.get("gpu_count", 0)
    return [
        CatalogItem(
            provider="nebius",
            instance_name=f"{platform} {preset['name']}{suffix}",
            location=region,
            price=price * max(gpus, 1),
            cpu=resources["vcpu_count"],
            memory=float(resources["memory_gibibytes"]),
            gpu_count=gpus,
            gpu_name=gpu,
            gpu_memory=memory,
            gpu_vendor=AcceleratorVendor.NVIDIA if gpu else None,
            spot=spot,
            disk_size=None,
            # With a flat rate dstack asks for no pricing policy, which the emulator does not serve.
            provider_data={"fabrics": [], "is_preemptible_flat_rate": True},
        )
        for spot in ((False, True) if gpus else (False,))
    ]
