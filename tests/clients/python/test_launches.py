"""The official SDK, unmodified, creates and deletes what counts against quotas."""

import asyncio
import json

import pytest
from grpc import StatusCode
from nebius.aio.operation import OperationError
from nebius.api.nebius.compute.v1 import (
    AttachedDiskSpec,
    CreateDiskRequest,
    CreateInstanceRequest,
    DeleteDiskRequest,
    DeleteInstanceRequest,
    DiskServiceClient,
    DiskSpec,
    ExistingDisk,
    GetInstanceRequest,
    InstanceRecoveryPolicy,
    InstanceServiceClient,
    InstanceSpec,
    IPAddress,
    ListInstancesRequest,
    ManagedDisk,
    NetworkInterfaceSpec,
    PreemptibleSpec,
    PublicIPAddress,
    ResourcesSpec,
    SourceImageFamily,
    StartInstanceRequest,
    StopInstanceRequest,
)
from nebius.api.nebius.common.v1 import ResourceMetadata
from nebius.api.nebius.quotas.v1 import GetByNameRequest, QuotaAllowanceServiceClient
from nebius.api.nebius.vpc.v1 import ListSubnetsRequest, SubnetServiceClient
from test_sdk import PROJECT, TENANT, TIMEOUT, connected, refusal

H200_ROW = "compute.instance.gpu.h200"
COUNT_ROW = "compute.instance.count"
REGION = "eu-north1"
DISK = DiskSpec(
    size_gibibytes=64,
    type=DiskSpec.DiskType.NETWORK_SSD,
    source_image_family=SourceImageFamily(image_family="ubuntu24.04-driverless"),
)


@pytest.fixture
def start(start_emulator, tmp_path):
    """A function that starts an emulator with some settings."""

    def start(**settings):
        file = tmp_path / "settings.json"
        file.write_text(json.dumps(settings))
        return start_emulator(arguments=("--settings", str(file)))

    return start


async def default_subnet(sdk):
    subnets = await SubnetServiceClient(sdk).list(
        ListSubnetsRequest(parent_id=PROJECT, page_size=999), timeout=TIMEOUT
    )
    return next(
        subnet.metadata.id for subnet in subnets.items if subnet.metadata.name.startswith("default-subnet")
    )


async def launch(sdk, preset, disk, platform="gpu-h200-sxm", **spec):
    """Asks for an instance the way dstack does: one static public address beside the private one."""
    interface = NetworkInterfaceSpec(
        name="eth0",
        subnet_id=await default_subnet(sdk),
        ip_address=IPAddress(),
        public_ip_address=PublicIPAddress(static=True),
    )
    request = CreateInstanceRequest(
        metadata=ResourceMetadata(parent_id=PROJECT, name="worker", labels={"owner": "tests"}),
        spec=InstanceSpec(
            resources=ResourcesSpec(platform=platform, preset=preset),
            boot_disk=disk,
            network_interfaces=[interface],
            cloud_init_user_data="#cloud-config",
            **spec,
        ),
    )
    return await InstanceServiceClient(sdk).create(request, timeout=TIMEOUT)


def managed():
    return AttachedDiskSpec(
        attach_mode=AttachedDiskSpec.AttachMode.READ_WRITE,
        managed_disk=ManagedDisk(name="boot", spec=DISK),
    )


async def usage(sdk, *names):
    client = QuotaAllowanceServiceClient(sdk)
    rows = [
        await client.get_by_name(
            GetByNameRequest(parent_id=TENANT, name=name, region=REGION), timeout=TIMEOUT
        )
        for name in names
    ]
    return [row.status.usage for row in rows]


async def wait(operation):
    await operation.wait(interval=0.01, timeout=TIMEOUT)
    assert operation.successful()
    return operation.resource_id


@pytest.mark.parametrize("polls", [0, 3])
def test_an_instance_with_a_managed_disk_comes_and_goes(start, polls):
    address = start(polls_to_finish=polls)

    async def run():
        async with connected(address) as sdk:
            instances = InstanceServiceClient(sdk)
            before = await usage(sdk, H200_ROW, COUNT_ROW)
            operation = await launch(sdk, "1gpu-16vcpu-200gb", managed())
            assert operation.done() == (polls == 0)
            instance_id = await wait(operation)
            assert await usage(sdk, H200_ROW, COUNT_ROW) == [before[0] + 1, before[1] + 1]
            instance = await instances.get(GetInstanceRequest(id=instance_id), timeout=TIMEOUT)
            assert instance.status.state.name == "RUNNING"
            assert instance.metadata.labels["owner"] == "tests"
            [interface] = instance.status.network_interfaces
            assert interface.public_ip_address.address.endswith("/32")
            await wait(await instances.stop(StopInstanceRequest(id=instance_id), timeout=TIMEOUT))
            await wait(await instances.start(StartInstanceRequest(id=instance_id), timeout=TIMEOUT))
            await wait(await instances.delete(DeleteInstanceRequest(id=instance_id), timeout=TIMEOUT))
            listed = await instances.list(ListInstancesRequest(parent_id=PROJECT), timeout=TIMEOUT)
            assert list(listed.items) == []
            assert await usage(sdk, H200_ROW, COUNT_ROW) == before

    asyncio.run(run())


def test_a_disk_created_first_outlives_its_instance(start):
    address = start(polls_to_finish=2)

    async def run():
        async with connected(address) as sdk:
            disks = DiskServiceClient(sdk)
            before = await usage(sdk, "compute.disk.count", "compute.disk.size.network-ssd")
            metadata = ResourceMetadata(parent_id=PROJECT, name="boot")
            request = CreateDiskRequest(metadata=metadata, spec=DISK)
            disk_id = await wait(await disks.create(request, timeout=TIMEOUT))
            disk = AttachedDiskSpec(
                attach_mode=AttachedDiskSpec.AttachMode.READ_WRITE,
                existing_disk=ExistingDisk(id=disk_id),
            )
            preemptible = PreemptibleSpec(
                on_preemption=PreemptibleSpec.PreemptionPolicy.STOP, priority=1
            )
            refused = await refused_by(
                launch(
                    sdk,
                    "1gpu-16vcpu-200gb",
                    disk,
                    preemptible=preemptible,
                    recovery_policy=InstanceRecoveryPolicy.FAIL,
                )
            )
            assert refused == [("compute.instance.preemptible.count", "8", "9")]
            instance_id = await wait(await launch(sdk, "4vcpu-16gb", disk, platform="cpu-d3"))
            after = await usage(sdk, "compute.disk.count", "compute.disk.size.network-ssd")
            assert after == [before[0] + 1, before[1] + (64 << 30)]
            delete = DeleteInstanceRequest(id=instance_id)
            await wait(await InstanceServiceClient(sdk).delete(delete, timeout=TIMEOUT))
            await wait(await disks.delete(DeleteDiskRequest(id=disk_id), timeout=TIMEOUT))
            again = await usage(sdk, "compute.disk.count", "compute.disk.size.network-ssd")
            assert again == before

    asyncio.run(run())


def violations(status):
    assert status.code == StatusCode.RESOURCE_EXHAUSTED
    [error] = status.service_errors
    assert (error.service, error.code) == ("compute", "QuotaFailure")
    assert error.details.field == "quota_failure"
    found = error.details.value.violations
    return [(violation.quota, violation.limit, violation.requested) for violation in found]


async def refused_by(call):
    with pytest.raises(Exception) as refused:
        await call
    return violations(refused.value.status)


def test_a_launch_over_quota_is_refused_by_the_call(start):
    address = start()
    status = refusal(address, lambda sdk: launch(sdk, "8gpu-128vcpu-1600gb", managed()))
    assert violations(status) == [(H200_ROW, "32", "38")]
    assert "Quota limit exceeded" in status.message


def test_a_launch_over_quota_can_fail_in_its_operation(start):
    address = start(quota_failures="in_operation", polls_to_finish=1)

    async def run():
        async with connected(address) as sdk:
            operation = await launch(sdk, "8gpu-128vcpu-1600gb", managed())
            with pytest.raises(OperationError) as failed:
                await operation.wait(interval=0.01, timeout=TIMEOUT)
            assert violations(failed.value.status) == [(H200_ROW, "32", "38")]

    asyncio.run(run())


def test_without_hardware_the_instance_is_left_stopped(start):
    none = {"region": REGION, "platform": "gpu-h200-sxm", "fabric": "fabric-7", "lane": "on_demand", "free": 0}
    address = start(hardware=[none])

    async def run():
        async with connected(address) as sdk:
            before = await usage(sdk, COUNT_ROW)
            operation = await launch(sdk, "1gpu-16vcpu-200gb", managed())
            with pytest.raises(OperationError) as failed:
                await operation.wait(interval=0.01, timeout=TIMEOUT)
            [error] = failed.value.status.service_errors
            assert (error.code, error.details.field) == ("NotEnoughResources", "not_enough_resources")
            request = GetInstanceRequest(id=operation.resource_id)
            instance = await InstanceServiceClient(sdk).get(request, timeout=TIMEOUT)
            assert instance.status.state.name == "STOPPED"
            assert await usage(sdk, COUNT_ROW) == [before[0] + 1]

    asyncio.run(run())
