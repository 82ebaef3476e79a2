"""A real dstack server with the plugin, and what `dstack` prints on its user's terminal."""

import json
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from offline import KEY_ID, SERVICE_ACCOUNT, start_emulator

TOKEN = "a-token-of-the-tests"
CONFIG = """
projects:
  - name: main
    backends:
      - type: nebius
        creds:
          type: service_account
          service_account_id: {account}
          public_key_id: {key_id}
          private_key_file: {private}
plugins:
  - quotagate
"""
FLEET = """
type: fleet
name: f1
nodes: 0..2
spot_policy: auto
"""
TASK = """
type: task
name: train
commands: [nvidia-smi]
resources:
  gpu: H200:8
regions: [eu-north1]
"""


class Server:
    """A dstack server in a home of its own."""

    def __init__(self, home: Path, private: Path, public: Path) -> None:
        self.home = home
        # A wide terminal without colours, so that the words stand in one piece.
        terminal = {"COLUMNS": "600", "NO_COLOR": "1"}
        self.environment = {**os.environ, **terminal, "HOME": str(home), "GRPC_ENABLE_FORK_SUPPORT": "false"}
        self.log: list[str] = []
        folder = home / ".dstack/server"
        folder.mkdir(parents=True)
        config = CONFIG.format(account=SERVICE_ACCOUNT, key_id=KEY_ID, private=private)
        (folder / "config.yml").write_text(config)
        self.emulator, address = start_emulator(public)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        serve = [str(Path(__file__).with_name("serve.py")), address]
        options = ["--host", "127.0.0.1", "--port", str(port), "--token", TOKEN, "-y"]
        self.process = subprocess.Popen(
            [sys.executable, *serve, *options],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started = threading.Event()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def wait(self) -> None:
        """Until it answers."""
        assert self.started.wait(300) and self.process.poll() is None, self.told()
        while self.process.poll() is None:
            try:
                return urllib.request.urlopen(f"{self.url}/healthcheck").close()
            except (urllib.error.URLError, ConnectionError):
                pass

    def _read(self) -> None:
        for line in self.process.stdout:
            self.log.append(line)
            if "is running at" in line:
                self.started.set()
        self.started.set()

    def told(self) -> str:
        return "".join(self.log)

    def dstack(self, *arguments: str, spec: str | None = None) -> subprocess.CompletedProcess:
        """What the user's command does: its exit code, and what stands on the terminal."""
        options = []
        if spec is not None:
            (self.home / "spec.dstack.yml").write_text(spec)
            options = ["-f", "spec.dstack.yml"]
        return subprocess.run(
            [str(Path(sys.executable).with_name("dstack")), *arguments, *options],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, method: str, body: dict) -> tuple[int, dict]:
        """What the server answers to a client: the status, and the JSON."""
        request = urllib.request.Request(
            f"{self.url}/api/project/main/{method}",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.emulator.kill()
        self.emulator.wait()
        self.emulator.stdout.close()


@pytest.fixture(scope="module")
def server(key, catalog, tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("home"), *key)
    try:
        started.wait()
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def fleet(server):
    """A fleet that may get instances, which dstack wants before it takes a run."""
    made = server.dstack("apply", "-y", spec=FLEET)
    assert made.returncode == 0, made.stdout
    return server


def task(gpu="H200:8", region="eu-north1", run_name=None, **more):
    """A run that dstack plans; without a region, wherever there are offers."""
    configuration = {"type": "task", "commands": ["nvidia-smi"], "resources": {"gpu": gpu}, **more}
    if region is not None:
        configuration["regions"] = [region]
    return {"run_name": run_name, "configuration": configuration, "ssh_key_pub": "ssh-ed25519 AAAA somebody"}


def plan(server, spec):
    return server.ask("runs/get_plan", {"run_spec": spec})


def why(answer):
    """The words of a rejection."""
    status, body = answer
    assert status == 400, body
    [detail] = body["detail"]
    return detail["msg"]


H200 = (
    "gpu-h200-sxm 8gpu-128vcpu-1600gb in eu-north1: no quota: compute.instance.gpu.h200 in eu-north1 (tenant "
    "tenant-e00acme): needs 8, 2 free, 30 of 32 used, a limit of 38 would do. To do: raise compute.instance.gpu.h200 in "
    "eu-north1 to 38 or more: in the console under Administration, Limits, Quotas, by an admin; Nebius reviews the request"
)


def test_a_run_without_quota_is_rejected_and_the_terminal_says_why(fleet):
    applied = fleet.dstack("apply", "-y", "-d", spec=TASK)
    assert applied.returncode == 1
    assert applied.stdout.strip() == f"The run cannot start: Nebius has no quota for its only offer.\n- {H200}"
    assert "train" not in fleet.dstack("ps", "-a").stdout, "there is no such run"


def test_a_run_that_is_applied_without_a_plan_is_rejected_as_well(fleet):
    told = why(fleet.ask("runs/apply", {"plan": {"run_spec": task(run_name="unplanned")}, "force": False}))
    assert H200 in told


def test_every_reason_is_told_once_with_the_offers_that_it_stops(fleet):
    told = why(plan(fleet, task(region=None, spot_policy="auto"))).splitlines()
    assert told[0] == "The run cannot start: Nebius has no quota for any of its 6 offers."
    assert told[1] == f"- {H200}"
    in_west = "gpu-h200-sxm 8gpu-128vcpu-1600gb in eu-west1"
    assert told[3].startswith(f"- {in_west}, {in_west} (spot): no quota: vpc.ipv4-address.public.count in eu-west1")
    assert len(told) == 6


def test_offers_that_are_not_available_for_another_reason_save_no_run(fleet):
    told = why(plan(fleet, task(gpu="L40S:2..", region=None, spot_policy="auto"))).splitlines()
    assert told[0] == (
        "The run cannot start: Nebius has no quota for 4 of its 8 offers, and the others are not available."
    )


def test_of_many_reasons_the_cheapest_offers_are_explained(fleet):
    told = why(plan(fleet, task(gpu=0, region="uk-south1"))).splitlines()
    assert told[0] == "The run cannot start: Nebius has no quota for any of its 8 offers."
    assert told[1].startswith("- cpu-d3 4vcpu-16gb in uk-south1: no quota: compute.instance.non-gpu.vcpu in uk-south1")
    assert told[6:] == ["- and 3 more reasons; `dstack offer` lists every offer"]


def test_a_run_with_one_offer_that_fits_passes(fleet):
    status, planned = plan(fleet, task(gpu="H200:1..8", region=None))
    assert status == 200, planned
    [job] = planned["job_plans"]
    assert {"available", "no_quota"} == {offer["availability"] for offer in job["offers"]}


@pytest.mark.parametrize(
    "waiting",
    [
        pytest.param({"retry": {"on_events": ["no-capacity"], "duration": "1h"}}, id="it waits for capacity"),
        pytest.param({"schedule": {"cron": "0 3 * * *"}}, id="it starts at night"),
        pytest.param(
            {
                "type": "service",
                "port": 8000,
                "replicas": "0..1",
                "scaling": {"metric": "rps", "target": 1},
                "gateway": False,
            },
            id="it scales from zero",
        ),
        pytest.param({"creation_policy": "reuse"}, id="it starts nothing new"),
    ],
)
def test_a_run_that_may_start_later_passes(fleet, waiting):
    status, planned = plan(fleet, task(**waiting))
    assert status == 200, planned


def test_a_run_under_way_may_be_applied_again(fleet):
    """What it uses itself may be what is missing."""
    waits = {"retry": {"on_events": ["no-capacity"], "duration": "1h"}}
    status, _ = fleet.ask("runs/apply", {"plan": {"run_spec": task(run_name="waits", **waits)}, "force": False})
    assert status == 200
    status, planned = plan(fleet, task(run_name="waits", priority=10))
    assert status == 200 and planned["current_resource"] is not None


def test_offers_are_listed_and_not_rejected(fleet):
    listed = fleet.dstack("offer", "--gpu", "H200:8", "--region", "eu-north1")
    assert listed.returncode == 0, listed.stdout
    assert "no quota" in listed.stdout
