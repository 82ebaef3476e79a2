"""The real dstack server code, offline: a local catalogue, and the emulator in the place of Nebius."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = Path(__file__).resolve().parents[3]
WORLD = ROOT / "tests/emulator/worlds/acme"
SERVICE_ACCOUNT = "serviceaccount-e00demo"
KEY_ID = "publickey-e00demo"


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    """A key pair: the private half as text, the public one as a file."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = tmp_path_factory.mktemp("key") / "public.pem"
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private.decode(), public


@pytest.fixture(scope="session", autouse=True)
def catalog(tmp_path_factory):
    """The catalogue that gpuhunt reads, before anything of dstack is imported."""
    import catalog as catalogue

    address = catalogue.write(tmp_path_factory.mktemp("catalog"), catalogue.items_of(WORLD))
    os.environ["GPUHUNT_CATALOG_URL"] = address


@pytest.fixture
def start_emulator(key, tmp_path):
    """A function that starts an emulator that knows the key, with some faults, and gives its address."""
    started = []

    def start(*rules, world=WORLD):
        path = Path(os.environ.get("NEBIUS_EMULATOR", ROOT / "target/debug/nebius-emulator"))
        if not path.is_file():
            pytest.fail(f"no emulator at {path}: run `cargo build -p nebius-emulator`")
        command = [str(path), "--world", str(world)]
        command += ["--public-key", f"{SERVICE_ACCOUNT}:{KEY_ID}={key[1]}"]
        if rules:
            faults = tmp_path / f"faults-{len(started)}.json"
            faults.write_text(json.dumps({"rules": rules}))
            command += ["--faults", str(faults)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        words, address = process.stdout.readline().rsplit(maxsplit=1)
        assert words == "listening on"
        return address

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def backend(start_emulator, key):
    """A function that makes dstack's own Nebius backend, whose SDK talks to an emulator."""

    def make(*rules, world=WORLD, **configuration):
        from dstack._internal.core.backends.nebius.backend import NebiusBackend
        from dstack._internal.core.backends.nebius.models import (
            NebiusConfig,
            NebiusServiceAccountCreds,
        )
        from nebius.base.options import INSECURE
        from nebius.base.resolver import Constant
        from nebius.sdk import SDK

        credentials = NebiusServiceAccountCreds(
            service_account_id=SERVICE_ACCOUNT, public_key_id=KEY_ID, private_key_content=key[0]
        )
        made = NebiusBackend(NebiusConfig(creds=credentials, **configuration))
        file = Path(str(key[1])).with_name("private.pem")
        file.write_text(key[0])
        # dstack has no setting for the endpoint; the SDK is a cached property, so no code of dstack is touched.
        made.compute().__dict__["_sdk"] = SDK(
            resolver=Constant(start_emulator(*rules, world=world)),
            options=[(INSECURE, True)],
            service_account_id=SERVICE_ACCOUNT,
            service_account_public_key_id=KEY_ID,
            service_account_private_key_file_name=str(file),
            user_agent_prefix="dstack/tests",
        )
        return made

    return make
