"""The real dstack server code, offline: a local catalogue, and the emulator in the place of Nebius."""

import json
import os

import pytest
from offline import WORLD, make_backend, make_key, start_emulator


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    """The files of a private and a public key."""
    return make_key(tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="session", autouse=True)
def catalog(tmp_path_factory):
    """The catalogue that gpuhunt reads, before anything of dstack is imported."""
    import catalog as catalogue

    address = catalogue.write(tmp_path_factory.mktemp("catalog"), catalogue.items_of(WORLD))
    os.environ["GPUHUNT_CATALOG_URL"] = address


@pytest.fixture
def backend(key, tmp_path):
    """A function that makes dstack's own Nebius backend on an emulator of its own, with some faults."""
    private, public = key
    started = []

    def make(*rules, world=WORLD, **configuration):
        arguments = []
        if rules:
            faults = tmp_path / f"faults-{len(started)}.json"
            faults.write_text(json.dumps({"rules": rules}))
            arguments = ["--faults", str(faults)]
        process, address = start_emulator(public, *arguments, world=world)
        started.append(process)
        return make_backend(address, private, **configuration)

    yield make
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def integration():
    """The plugin, found and loaded by dstack as its server does when `plugins: [quotagate]` is configured."""
    from dstack._internal.server.services.plugins import load_plugins

    load_plugins(["quotagate"])
    yield
    from quotagate.dstack import disable

    disable()
    load_plugins([])
