"""Our own definitions of the API, held against the ones inside the official SDK."""

import shutil

import pytest
from conftest import ROOT
from descriptors import compile_files, differences, facts, files_of_sdk

PROTO = ROOT / "host/nebius-api/proto"
QUOTAS = "nebius/quotas/v1/quota_allowance.proto"
ADVICE = "nebius/capacity/v1/resource_advice.proto"


@pytest.fixture(scope="module")
def official():
    return facts(files_of_sdk())


def test_every_definition_is_the_official_one(official, tmp_path):
    ours = facts(compile_files(PROTO, tmp_path / "ours.fds"))
    assert len(ours) > 250
    assert any(name.endswith("QuotaAllowanceService/List") for name in ours)
    assert differences(ours, official) == []


@pytest.mark.parametrize(
    ("file", "line", "mistake", "named"),
    [
        (QUOTAS, "optional uint64 limit = 1;", "uint64 limit = 1;", "explicit presence"),
        (QUOTAS, "uint64 usage = 2;", "uint64 usage = 4;", "number"),
        (QUOTAS, "string usage_percentage = 9;", "double usage_percentage = 9;", "type"),
        (QUOTAS, "repeated QuotaAllowance items", "QuotaAllowance items", "label"),
        (QUOTAS, "string unit = 8;", "string units = 8;", "not in the SDK"),
        (QUOTAS, "STATE_DELETED = 10;", "STATE_DELETED = 4;", "number"),
        (QUOTAS, "STATE_FROZEN = 3;", "", "only in the SDK"),
        (QUOTAS, "returns (ListQuotaAllowancesResponse)", "returns (QuotaAllowance)", "output"),
        (ADVICE, "oneof resource_details {", "oneof details {", "oneof"),
    ],
)
def test_a_mistake_is_found(official, tmp_path, file, line, mistake, named):
    copy = tmp_path / "proto"
    shutil.copytree(PROTO, copy)
    text = (copy / file).read_text()
    assert line in text
    (copy / file).write_text(text.replace(line, mistake, 1))
    found = differences(facts(compile_files(copy, tmp_path / "ours.fds")), official)
    assert any(named in difference for difference in found), found
