"""The official SDK, unmodified, against the emulator."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from conftest import KEY_ID, SERVICE_ACCOUNT, WORLD
from grpc import StatusCode
from nebius.aio.service_error import RequestError
from nebius.aio.token.renewable import OPTION_RENEW_REQUEST_TIMEOUT, OPTION_RENEW_SYNCHRONOUS
from nebius.api.nebius.capacity.v1 import (
    CapacityBlockGroupServiceClient,
    ListCapacityBlockGroupsRequest,
    ListResourceAdviceRequest,
    ResourceAdviceServiceClient,
)
from nebius.api.nebius.compute.v1 import ListPlatformsRequest, PlatformServiceClient
from nebius.api.nebius.iam import v1, v2
from nebius.api.nebius.quotas.v1 import (
    GetByNameRequest,
    ListQuotaAllowancesRequest,
    QuotaAllowanceServiceClient,
)
from nebius.base.options import INSECURE
from nebius.base.resolver import Constant
from nebius.sdk import SDK

TENANT = "tenant-e00acme"
PROJECT = "project-e00eunorth1"
TIMEOUT = 60


@pytest.fixture(scope="module")
def address(start_emulator):
    return start_emulator()


@asynccontextmanager
async def connected(address, **credentials):
    sdk = SDK(
        resolver=Constant(address),
        options=[(INSECURE, True)],
        user_agent_prefix="tests/1",
        **(credentials or {"credentials": "static-token"}),
    )
    try:
        yield sdk
    finally:
        await sdk.close()


def service_account(private_key):
    return {
        "service_account_id": SERVICE_ACCOUNT,
        "service_account_public_key_id": KEY_ID,
        "service_account_private_key_file_name": str(private_key),
    }


def held(name):
    return json.loads((WORLD / name).read_text())["items"]


async def all_allowances(sdk, parent_id, page_size):
    client, rows, pages, token = QuotaAllowanceServiceClient(sdk), [], 0, ""
    while pages == 0 or token:
        request = ListQuotaAllowancesRequest(
            parent_id=parent_id, page_size=page_size, page_token=token
        )
        page = await client.list(request, timeout=TIMEOUT)
        rows += page.items
        pages += 1
        token = page.next_page_token
    return rows, pages


def check_allowances(rows):
    """Compares rows with the file that the emulator serves."""
    expected = held("tenant/allowances.json")
    assert len(rows) == len(expected)
    for row, item in zip(rows, expected):
        assert row.metadata.id == item["metadata"]["id"]
        assert row.metadata.name == item["metadata"]["name"]
        assert row.spec.region == item["spec"]["region"]
        limit = item["spec"].get("limit")
        assert row.spec.limit == (None if limit is None else int(limit))
        assert row.status.usage == int(item["status"].get("usage", 0))
        assert row.status.unit == item["status"]["unit"]
        assert row.status.state.name == item["status"]["state"]


@pytest.mark.parametrize("page_size", [7, 1000])
def test_a_static_token_lists_every_allowance(address, page_size):
    async def run():
        async with connected(address) as sdk:
            return await all_allowances(sdk, TENANT, page_size)

    rows, pages = asyncio.run(run())
    check_allowances(rows)
    assert pages == -(-len(rows) // page_size)


@pytest.mark.parametrize("page_size", [7, 1000])
def test_a_service_account_lists_every_allowance(start_emulator, keys, page_size):
    # Only named tokens pass, so the calls go through on the exchanged one.
    address = start_emulator(arguments=("--token", "named"))

    async def run():
        async with connected(address, **service_account(keys.private)) as sdk:
            return await all_allowances(sdk, TENANT, page_size)

    rows, _ = asyncio.run(run())
    check_allowances(rows)


def test_a_credentials_file_works(address, keys, tmp_path):
    file = tmp_path / "credentials.json"
    subject = {
        "type": "JWT",
        "alg": "RS256",
        "private-key": keys.private.read_text(),
        "kid": KEY_ID,
        "iss": SERVICE_ACCOUNT,
        "sub": SERVICE_ACCOUNT,
    }
    file.write_text(json.dumps({"subject-credentials": subject}))

    async def run():
        async with connected(address, credentials_file_name=str(file)) as sdk:
            return await all_allowances(sdk, PROJECT, 1000)

    rows, _ = asyncio.run(run())
    assert len(rows) == len(held(f"projects/{PROJECT}/allowances.json"))


def test_a_forged_assertion_gets_no_token(address, stranger_keys):
    # As dstack asks: without this the SDK goes on trying in the background.
    at_once = {OPTION_RENEW_SYNCHRONOUS: "true", OPTION_RENEW_REQUEST_TIMEOUT: "5"}

    async def run():
        async with connected(address, **service_account(stranger_keys.private)) as sdk:
            request = ListQuotaAllowancesRequest(parent_id=TENANT)
            await QuotaAllowanceServiceClient(sdk).list(
                request, timeout=TIMEOUT, auth_options=at_once
            )

    with pytest.raises(RequestError) as refused:
        asyncio.run(run())
    assert refused.value.status.code == StatusCode.UNAUTHENTICATED
    assert "does not hold" in refused.value.status.message


def test_an_expired_token_is_renewed(start_emulator, keys):
    rule = {"method": "QuotaAllowanceService/List", "page": 2, "times": 1, "expire_tokens": True}
    address = start_emulator(rule, arguments=("--token", "named"))

    async def run():
        async with connected(address, **service_account(keys.private)) as sdk:
            return await all_allowances(sdk, TENANT, 7)

    rows, _ = asyncio.run(run())
    check_allowances(rows)


def test_both_versions_show_the_same_projects(address):
    async def run():
        async with connected(address) as sdk:
            tenants = await v1.TenantServiceClient(sdk).list(v1.ListTenantsRequest(), timeout=TIMEOUT)
            newer = await v2.TenantServiceClient(sdk).list(v2.ListTenantsRequest(), timeout=TIMEOUT)
            assert [tenant.metadata.id for tenant in tenants.items] == [TENANT]
            assert [tenant.metadata.id for tenant in newer.items] == [TENANT]
            old = await v1.ProjectServiceClient(sdk).list(
                v1.ListProjectsRequest(parent_id=TENANT, page_size=999), timeout=TIMEOUT
            )
            new = await v2.ProjectServiceClient(sdk).list(
                v2.ListProjectsRequest(parent_id=TENANT, page_size=999), timeout=TIMEOUT
            )
            return old.items, new.items

    old, new = asyncio.run(run())
    expected = [(item["metadata"]["id"], item["spec"]["region"]) for item in held("tenant/projects.json")]
    assert [(project.metadata.id, project.status.region) for project in old] == expected
    assert [(project.metadata.id, project.spec.region) for project in new] == expected
    assert {project.status.container_state.name for project in old} == {"ACTIVE"}
    assert {project.status.project_state.name for project in new} == {"ACTIVE"}


def test_platforms_advice_and_reservations(address):
    async def run():
        async with connected(address) as sdk:
            platforms = await PlatformServiceClient(sdk).list(
                ListPlatformsRequest(parent_id=PROJECT, page_size=999), timeout=TIMEOUT
            )
            advice = await ResourceAdviceServiceClient(sdk).list(
                ListResourceAdviceRequest(parent_id=TENANT, page_size=200), timeout=TIMEOUT
            )
            groups = await CapacityBlockGroupServiceClient(sdk).list(
                ListCapacityBlockGroupsRequest(parent_id=TENANT, page_size=200), timeout=TIMEOUT
            )
            return platforms.items, advice.items, groups.items

    platforms, advice, groups = asyncio.run(run())
    expected = held(f"projects/{PROJECT}/platforms.json")
    assert [platform.metadata.name for platform in platforms] == [
        item["metadata"]["name"] for item in expected
    ]
    for platform, item in zip(platforms, expected):
        assert platform.spec.gpu_count_quota_type == item["spec"].get("gpu_count_quota_type", "")
        assert [preset.name for preset in platform.spec.presets] == [
            preset["name"] for preset in item["spec"]["presets"]
        ]
    expected = held("tenant/resource-advice.json")
    assert len(advice) == len(expected)
    for row, item in zip(advice, expected):
        assert row.spec.fabric == item["spec"].get("fabric", "")
        assert row.spec.compute_instance.platform == item["spec"]["compute_instance"]["platform"]
    expected = held("tenant/capacity-block-groups.json")
    assert [group.status.current_limit for group in groups] == [
        int(item["status"]["current_limit"]) for item in expected
    ]


def refusal(address, call):
    """The error of a call that must fail, as the SDK raises it."""

    async def run():
        async with connected(address) as sdk:
            await call(sdk)

    with pytest.raises(RequestError) as refused:
        asyncio.run(run())
    status = refused.value.status
    assert status.request_id and status.request_id != "<unknown>"
    assert status.trace_id and status.trace_id != "<unknown>"
    return status


def test_a_denied_call_says_what_was_denied(address):
    request = ListQuotaAllowancesRequest(parent_id="project-e00stranger")
    status = refusal(
        address, lambda sdk: QuotaAllowanceServiceClient(sdk).list(request, timeout=TIMEOUT)
    )
    assert status.code == StatusCode.PERMISSION_DENIED
    [error] = status.service_errors
    assert (error.service, error.code) == ("quotas", "PermissionDenied")
    assert error.details.field == "permission_denied"
    assert error.details.value.resource_id == "project-e00stranger"


def test_an_unknown_name_is_not_found(address):
    request = GetByNameRequest(parent_id=TENANT, name="compute.nothing", region="eu-north1")
    status = refusal(
        address, lambda sdk: QuotaAllowanceServiceClient(sdk).get_by_name(request, timeout=TIMEOUT)
    )
    assert status.code == StatusCode.NOT_FOUND
    assert status.service_errors[0].details.field == "resource_not_found"


def test_advice_wants_a_tenant(address):
    request = ListResourceAdviceRequest(parent_id=PROJECT)
    status = refusal(
        address, lambda sdk: ResourceAdviceServiceClient(sdk).list(request, timeout=TIMEOUT)
    )
    assert status.code == StatusCode.INVALID_ARGUMENT
    assert status.service_errors[0].details.field == "bad_request"


def test_an_ordered_error_arrives_with_its_details(start_emulator):
    violation = {"quota": "compute.instance.gpu.h200", "limit": "32", "requested": "40"}
    detail = {
        "service": "compute",
        "code": "QuotaFailure",
        "retry_type": "NOTHING",
        "quota_failure": {"violations": [violation]},
    }
    status = {"code": "RESOURCE_EXHAUSTED", "message": "too much", "service_error": detail}
    address = start_emulator({"method": "PlatformService/List", "status": status})
    request = ListPlatformsRequest(parent_id=PROJECT)
    status = refusal(address, lambda sdk: PlatformServiceClient(sdk).list(request, timeout=TIMEOUT))
    assert status.code == StatusCode.RESOURCE_EXHAUSTED
    [error] = status.service_errors
    [found] = error.details.value.violations
    assert (found.quota, found.limit, found.requested) == tuple(violation.values())


def test_the_sdk_retries_what_passes(start_emulator):
    method = "QuotaAllowanceService/List"
    address = start_emulator(
        {"method": method, "page": 1, "times": 1, "status": {"code": "UNAVAILABLE"}},
        {"method": method, "page": 2, "times": 1, "disconnect": True},
        {"method": method, "page_size": 5, "latency_ms": 1},
    )

    async def run():
        async with connected(address) as sdk:
            return await all_allowances(sdk, TENANT, 1000)

    rows, pages = asyncio.run(run())
    check_allowances(rows)
    assert pages == -(-len(rows) // 5)
