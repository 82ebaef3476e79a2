"""Starts the emulator for the tests: the program named by NEBIUS_EMULATOR, or the one that cargo built."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = Path(__file__).resolve().parents[3]
WORLD = ROOT / "tests/emulator/worlds/acme"
SERVICE_ACCOUNT = "serviceaccount-e00demo"
KEY_ID = "publickey-e00demo"


@dataclass(frozen=True)
class KeyPair:
    private: Path
    public: Path


def make_key_pair(folder: Path, name: str) -> KeyPair:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pair = KeyPair(folder / f"{name}.pem", folder / f"{name}.public.pem")
    pair.private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    pair.public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return pair


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> KeyPair:
    return make_key_pair(tmp_path_factory.mktemp("keys"), "registered")


@pytest.fixture(scope="session")
def stranger_keys(tmp_path_factory) -> KeyPair:
    return make_key_pair(tmp_path_factory.mktemp("keys"), "stranger")


@pytest.fixture(scope="session")
def program() -> str:
    path = Path(os.environ.get("NEBIUS_EMULATOR", ROOT / "target/debug/nebius-emulator"))
    if not path.is_file():
        pytest.fail(f"no emulator at {path}: run `cargo build -p nebius-emulator` or set NEBIUS_EMULATOR")
    return str(path)


@pytest.fixture(scope="module")
def start_emulator(program, keys, tmp_path_factory):
    """A function that starts an emulator with some faults and returns its address."""
    started = []

    def start(*rules: dict, arguments: tuple[str, ...] = ()) -> str:
        command = [program, "--world", str(WORLD)]
        command += ["--public-key", f"{SERVICE_ACCOUNT}:{KEY_ID}={keys.public}", *arguments]
        if rules:
            faults = tmp_path_factory.mktemp("faults") / "faults.json"
            faults.write_text(json.dumps({"rules": rules}))
            command += ["--faults", str(faults)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        words, address = process.stdout.readline().rsplit(maxsplit=1)
        assert words == "listening on"
        return address

    yield start
    for process in started:
        process.terminate()
    for process in started:
        assert process.wait(timeout=60) == 0
        process.stdout.close()
