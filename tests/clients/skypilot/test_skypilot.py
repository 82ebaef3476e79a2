"""SkyPilot's own Nebius cloud, with the plugin and without it. The emulator stands in the place of Nebius."""

import logging
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from nebius.base.options import INSECURE
from nebius.base.resolver import Constant
from nebius.sdk import SDK
from sky.adaptors import nebius as adaptor
from sky.clouds.nebius import Nebius

ROOT = Path(__file__).resolve().parents[3]
WORLD = ROOT / "tests/emulator/worlds/acme"
BLOCKED = "gpu-h200-sxm_8gpu-128vcpu-1600gb"
FITTING = "cpu-d3_4vcpu-16gb"


def resources(instance_type, region="eu-north1", use_spot=False):
    """What the hook reads of SkyPilot's `Resources`, whose real ones need its catalogue from the network."""
    return SimpleNamespace(
        instance_type=instance_type, region=region, use_spot=use_spot, disk_size=100, disk_tier=None
    )


@pytest.fixture
def cloud(monkeypatch):
    """SkyPilot's cloud, whose SDK talks to an emulator."""
    program = os.environ.get("NEBIUS_EMULATOR", ROOT / "target/debug/nebius-emulator")
    process = subprocess.Popen([str(program), "--world", str(WORLD)], stdout=subprocess.PIPE, text=True)
    address = process.stdout.readline().split()[-1]
    sdk = SDK(
        resolver=Constant(address), options=[(INSECURE, True)], credentials="token", user_agent_prefix="skypilot/tests"
    )
    monkeypatch.setattr(adaptor, "sdk", lambda: sdk)
    monkeypatch.setattr(adaptor, "get_tenant_id", lambda: "tenant-e00acme")
    yield Nebius
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def plugin():
    """The plugin, installed as SkyPilot's server does."""
    from quotagate.skypilot import QuotagatePlugin, disable

    QuotagatePlugin().install(None)
    yield
    disable()


@pytest.fixture
def log(caplog):
    """What SkyPilot logs; its loggers pass nothing on."""
    logger = logging.getLogger("sky.quotagate")
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, "sky.quotagate")
    yield caplog
    logger.removeHandler(caplog.handler)


def test_without_the_plugin_every_region_is_tried(cloud):
    assert cloud.check_quota_available(resources(BLOCKED))


def test_a_region_without_quota_is_not_tried_and_the_log_says_why(cloud, plugin, log):
    assert not cloud.check_quota_available(resources(BLOCKED))
    assert "compute.instance.gpu.h200 in eu-north1 (tenant tenant-e00acme): needs 8, 2 free" in log.text
    assert "a limit of 38 would do" in log.text
    assert cloud.check_quota_available(resources(FITTING))


@pytest.mark.parametrize(
    "doubtful",
    [
        resources("p5.48xlarge"),
        resources(BLOCKED, region="nowhere"),
        resources(None),
        resources(BLOCKED, region=None),
        SimpleNamespace(),
    ],
)
def test_what_is_in_doubt_is_tried(cloud, plugin, doubtful):
    assert cloud.check_quota_available(doubtful)


def test_an_account_that_cannot_be_read_is_tried(cloud, plugin, monkeypatch):
    def fail():
        raise RuntimeError("no credentials")

    monkeypatch.setattr(adaptor, "sdk", fail)
    assert cloud.check_quota_available(resources(BLOCKED))


@pytest.mark.parametrize("setting", ["off", "shadow"])
def test_one_setting_turns_it_off(cloud, monkeypatch, setting):
    from quotagate.skypilot import disable, enable

    monkeypatch.setenv("QUOTAGATE_SKYPILOT", setting)
    enable()
    try:
        assert cloud.check_quota_available(resources(BLOCKED))
    finally:
        disable()
