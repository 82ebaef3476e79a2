"""SkyPilot's own Nebius cloud, with the plugin and without it. The emulator stands in the place of Nebius."""

import importlib
import inspect
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import quotagate
from nebius.base.options import INSECURE
from nebius.base.resolver import Constant
from nebius.sdk import SDK
from sky import exceptions, global_user_state
from sky.adaptors import nebius as adaptor
from sky.backends.cloud_vm_ray_backend import RetryingVmProvisioner
from sky.clouds.nebius import Nebius
from sky.provision.nebius import utils
from sky.server import plugins
from sky.utils.status_lib import ClusterStatus

ROOT = Path(__file__).resolve().parents[3]
WORLD = ROOT / "tests/emulator/worlds/acme"
OVER_THE_LIMIT = "gpu-l40s-d_4gpu-128vcpu-768gb"
"""Takes 4 GPUs of a limit of 2."""
USED_UP = "gpu-h200-sxm_8gpu-128vcpu-1600gb"
"""Takes 8 GPUs of a limit of 32, of which 30 are used."""
FITTING = "cpu-d3_4vcpu-16gb"


class Resources(SimpleNamespace):
    """What is read of SkyPilot's `Resources`, whose real ones need its catalogue from the network."""

    cloud = Nebius()

    def assert_launchable(self):
        return self


def resources(instance_type, region="eu-north1", use_spot=False):
    return Resources(instance_type=instance_type, region=region, use_spot=use_spot, disk_size=100, disk_tier=None)


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
    assert cloud.check_quota_available(resources(OVER_THE_LIMIT))


def test_a_region_whose_limit_is_too_small_is_not_tried_and_the_log_says_why(cloud, plugin, log):
    assert not cloud.check_quota_available(resources(OVER_THE_LIMIT))
    assert "gpu-l40s-d_4gpu-128vcpu-768gb in eu-north1 is not tried: no quota: " in log.text
    assert "compute.instance.gpu.l40s in eu-north1 (tenant tenant-e00acme): needs 4, 1 free, 1 of 2 used" in log.text
    assert "a limit of 5 would do" in log.text
    assert cloud.check_quota_available(resources(FITTING))


def test_what_is_used_up_now_is_tried(cloud, plugin, log):
    """It may be free in a minute, and the answer is kept for the request; or the cluster itself is what uses it."""
    assert cloud.check_quota_available(resources(USED_UP))
    assert log.text == ""


class PastTheCheck(Exception):
    """SkyPilot's loop went on after it had asked for the quota."""


def provision(wanted, previous_status, monkeypatch, tmp_path):
    """SkyPilot's own loop, as far as the first step after its question for quota."""

    def reached(*_, **__):
        raise PastTheCheck

    monkeypatch.setattr(RetryingVmProvisioner, "_yield_zones", reached)
    provisioner = RetryingVmProvisioner(
        str(tmp_path), None, None, set(), tmp_path, "hash", extra_launch_context={}
    )
    known = {
        "to_provision": wanted,
        "num_nodes": 1,
        "cluster_name": "train",
        "prev_cluster_status": previous_status,
        "prev_cluster_ever_up": previous_status is not None,
        "dryrun": True,
    }
    others = inspect.signature(provisioner._retry_zones).parameters.keys() - known.keys()
    provisioner._retry_zones(**known, **dict.fromkeys(others))


@pytest.mark.parametrize("status", [ClusterStatus.UP, ClusterStatus.STOPPED, ClusterStatus.INIT])
def test_a_cluster_that_exists_is_not_refused_for_what_it_uses_itself(cloud, plugin, status, monkeypatch, tmp_path):
    """SkyPilot asks for it as well, and forgets the cluster where the answer is no."""
    with pytest.raises(PastTheCheck):
        provision(resources(USED_UP), status, monkeypatch, tmp_path)


def test_a_cluster_whose_limit_became_smaller_since_is_not_refused(cloud, plugin, log, monkeypatch, tmp_path):
    wanted = resources(OVER_THE_LIMIT)
    with pytest.raises(exceptions.ResourcesUnavailableError, match="Found no quota"):
        provision(wanted, None, monkeypatch, tmp_path)
    of_another_cloud = {"name": "other", "handle": SimpleNamespace(launched_resources=None)}
    known = {"name": "train", "handle": SimpleNamespace(launched_resources=resources(OVER_THE_LIMIT))}
    monkeypatch.setattr(global_user_state, "get_clusters", lambda **_: [of_another_cloud, known])
    with pytest.raises(PastTheCheck):
        provision(wanted, ClusterStatus.STOPPED, monkeypatch, tmp_path)
    assert "is tried all the same: no quota" in log.text


@pytest.mark.parametrize(
    "doubtful",
    [
        resources("p5.48xlarge"),
        resources(OVER_THE_LIMIT, region="nowhere"),
        resources(None),
        resources(OVER_THE_LIMIT, region=None),
        SimpleNamespace(),
    ],
)
def test_what_is_in_doubt_is_tried(cloud, plugin, doubtful):
    assert cloud.check_quota_available(doubtful)


def test_an_account_that_cannot_be_read_is_tried(cloud, plugin, monkeypatch):
    def fail():
        raise RuntimeError("no credentials")

    monkeypatch.setattr(adaptor, "sdk", fail)
    assert cloud.check_quota_available(resources(OVER_THE_LIMIT))


@pytest.mark.parametrize("setting", ["off", "shadow"])
def test_one_setting_turns_it_off(cloud, monkeypatch, setting):
    from quotagate.skypilot import disable, enable

    monkeypatch.setenv("QUOTAGATE_SKYPILOT", setting)
    enable()
    try:
        assert cloud.check_quota_available(resources(OVER_THE_LIMIT))
    finally:
        disable()


def test_a_setting_that_is_no_mode_leaves_skypilot_alone_and_is_named(cloud, log, monkeypatch, load):
    monkeypatch.setenv("QUOTAGATE_SKYPILOT", "disabled")
    load()
    assert cloud.check_quota_available(resources(OVER_THE_LIMIT))
    assert "quotagate is off: QUOTAGATE_SKYPILOT is 'disabled': give on, shadow or off" in log.text


# Another version of SkyPilot, simulated: whatever it lacks or adds, its server starts and its launches go on.


@pytest.fixture
def load(monkeypatch, tmp_path):
    """SkyPilot's own loader of plugins, with ours in its configuration."""
    config = tmp_path / "plugins.yaml"
    config.write_text("plugins:\n  - class: quotagate.skypilot.QuotagatePlugin\n")
    monkeypatch.setenv(plugins._PLUGINS_CONFIG_ENV_VAR, str(config))
    # Imported anew, as in a process that starts.
    for name in ("skypilot", "_skypilot"):
        monkeypatch.delitem(sys.modules, f"quotagate.{name}", raising=False)
        monkeypatch.delattr(quotagate, name, raising=False)
    yield lambda: plugins.load_plugins(plugins.ExtensionContext())
    if (module := sys.modules.get("quotagate._skypilot")) is not None:
        module.disable()


@pytest.mark.parametrize(
    "change, told",
    [
        pytest.param(lambda patch: patch.delattr(adaptor, "sync_call"), "lacks sky.adaptors.nebius.sync_call", id="a function is gone"),
        pytest.param(lambda patch: patch.delattr(utils, "get_project_by_region"), "get_project_by_region", id="another is gone"),
        pytest.param(lambda patch: patch.delattr(adaptor, "READ_TIMEOUT"), "READ_TIMEOUT", id="a constant is gone"),
        pytest.param(
            lambda patch: patch.delattr("sky.clouds.cloud.Cloud.check_quota_available"),
            "lacks sky.clouds.nebius.Nebius.check_quota_available",
            id="the hook has another name",
        ),
        pytest.param(lambda patch: patch.setitem(sys.modules, "sky.clouds.nebius", None), "sky.clouds.nebius", id="a module is gone"),
        pytest.param(lambda patch: patch.delattr("sky.clouds.nebius.Nebius"), "'Nebius'", id="the class is gone"),
    ],
)
def test_skypilot_starts_when_it_lacks_something_and_the_log_names_it(load, change, told, log, monkeypatch):
    change(monkeypatch)
    load()
    assert "does not work with this version of SkyPilot and leaves it alone" in log.text
    assert told in log.text


def test_a_new_parameter_of_the_hook_is_passed_on(cloud, load, monkeypatch):
    asked = []

    def check_quota_available(cls, resources, num_nodes, *, cluster_name=None):
        asked.append((resources.instance_type, num_nodes, cluster_name))
        return True

    monkeypatch.setattr(Nebius, "check_quota_available", classmethod(check_quota_available))
    load()
    assert cloud.check_quota_available(resources(FITTING), 4, cluster_name="train")
    assert not cloud.check_quota_available(num_nodes=4, resources=resources(OVER_THE_LIMIT))
    assert asked == [(FITTING, 4, "train")]


def test_a_hook_with_other_parameters_is_left_to_skypilot(cloud, load, monkeypatch):
    monkeypatch.setattr(Nebius, "check_quota_available", classmethod(lambda cls, launchable: launchable.upper()))
    load()
    assert cloud.check_quota_available("what it says counts") == "WHAT IT SAYS COUNTS"


def test_a_new_argument_of_the_installation_is_no_error():
    from quotagate.skypilot import QuotagatePlugin, disable

    QuotagatePlugin().install(None, "a new one", more=True)
    disable()


def test_the_module_can_be_imported_where_skypilot_has_no_plugins(monkeypatch):
    monkeypatch.setitem(sys.modules, "sky.server.plugins", None)
    monkeypatch.delitem(sys.modules, "quotagate.skypilot", raising=False)
    assert importlib.import_module("quotagate.skypilot").QuotagatePlugin
