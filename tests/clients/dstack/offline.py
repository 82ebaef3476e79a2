"""dstack's own Nebius backend, offline: its SDK talks to the emulator."""

import os
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = Path(__file__).resolve().parents[3]
WORLD = ROOT / "tests/emulator/worlds/acme"
SERVICE_ACCOUNT = "serviceaccount-e00demo"
KEY_ID = "publickey-e00demo"


def make_key(folder: Path) -> tuple[Path, Path]:
    """A key pair: the files of the private half and of the public one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private, public = folder / "private.pem", folder / "public.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private, public


def start_emulator(public_key: Path, *arguments: str, world: Path = WORLD) -> tuple[subprocess.Popen, str]:
    """An emulator that knows the key; gives its process and its address."""
    path = Path(os.environ.get("NEBIUS_EMULATOR", ROOT / "target/debug/nebius-emulator"))
    if not path.is_file():
        raise FileNotFoundError(f"no emulator at {path}: run `cargo build -p nebius-emulator`")
    command = [str(path), "--world", str(world), "--public-key", f"{SERVICE_ACCOUNT}:{KEY_ID}={public_key}", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    words, address = process.stdout.readline().rsplit(maxsplit=1)
    assert words == "listening on"
    return process, address


def make_backend(address: str, private_key: Path, **configuration):
    """dstack's backend with the credentials of the key."""
    from dstack._internal.core.backends.nebius.backend import NebiusBackend
    from dstack._internal.core.backends.nebius.models import NebiusConfig, NebiusServiceAccountCreds
    from nebius.base.options import INSECURE
    from nebius.base.resolver import Constant
    from nebius.sdk import SDK

    credentials = NebiusServiceAccountCreds(
        service_account_id=SERVICE_ACCOUNT, public_key_id=KEY_ID, private_key_content=private_key.read_text()
    )
    backend = NebiusBackend(NebiusConfig(creds=credentials, **configuration))
    # dstack has no setting for the endpoint; the SDK is a cached property, so no code of dstack is touched.
    backend.compute().__dict__["_sdk"] = SDK(
        resolver=Constant(address),
        options=[(INSECURE, True)],
        service_account_id=SERVICE_ACCOUNT,
        service_account_public_key_id=KEY_ID,
        service_account_private_key_file_name=str(private_key),
        user_agent_prefix="dstack/tests",
    )
    return backend
