"""What the compose file starts, without its containers: the image's files, programs, environment.

PostgreSQL, Prefect's server, the set-up, a worker and the gateway run as processes of this machine,
each with the command, the variables and the health check of its service, in a folder that holds
what the Dockerfile copies and nothing else.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet

from tests.deployments.conftest import ROOT
from tests.deployments.test_files import SERVICES, instructions
from tests.flows.stand_ins import stored
from tests.gateway.with_prefect import until
from tests.servers.postgres import Postgres, postgres
from tests.servers.prefect_client import prefect_at
from tests.servers.prefect_server import PrefectServer
from tests.servers.process import ServerMissingError, free_ports, program, running
from tests.test_layout import PACKAGES

pytestmark = pytest.mark.timeout(1200)
SECRETS = {
    "POSTGRES_PASSWORD": "letters4digits",
    "PREFECT_SERVER_ENCRYPTION_KEY": Fernet.generate_key().decode(),
}
VARIABLE = re.compile(r"\$\{(\w+)(?::\?[^}]*)?\}")


def given(text: str) -> str:
    """Return a text of the compose file with the variables that whoever starts it gives."""
    return VARIABLE.sub(lambda found: SECRETS[found[1]], text)


@dataclass(frozen=True)
class Machine:
    """Ports of this machine in place of hosts, folders in place of volumes, files of the image."""

    folder: Path
    names: dict[str, str] = field(default_factory=dict[str, str])

    def put(self, text: str) -> str:
        """Return a text of a service as it is meant on this machine."""
        text = given(text)
        for name, ours in self.names.items():
            text = text.replace(name, ours)
        return text

    def environment(self, service: str) -> dict[str, str]:
        """Return the variables of the image and the service."""
        image = self.folder / "image"
        words = [one for word, words in instructions() if word == "ENV" for one in words]
        theirs = dict(one.split("=", 1) for one in words) | SERVICES[service]["environment"]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        volume = next(iter(SERVICES[service].get("volumes", [service]))).partition(":")[0]
        places = {"/opt/entrepot": str(image), "/var/lib/entrepot": str(self.folder / volume)}
        for place, ours in places.items():
            theirs = {name: self.put(value).replace(place, ours) for name, value in theirs.items()}
        return {
            **theirs,
            "PATH": path,
            "PYTHONPATH": str(image),
            "HOME": str(self.folder / "home" / service),
        }

    def words(self, service: str) -> list[str]:
        """Return the command of a service."""
        name, *words = (self.put(one) for one in SERVICES[service]["command"])
        return [program(name), *words]

    def healthy(self, service: str) -> bool:
        """Ask as the health check of a service does."""
        kind, name, *words = SERVICES[service]["healthcheck"]["test"]
        assert kind == "CMD"
        asked = [program(name), *(self.put(one) for one in words)]
        return subprocess.run(asked, check=False, capture_output=True).returncode == 0

    def serving(self, service: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """Run a service, once it is healthy."""
        log = self.folder / "image" / f"{service}.log"

        def ready() -> bool:
            if "healthcheck" in SERVICES[service]:
                return self.healthy(service)
            return "started!" in log.read_text()

        environment = self.environment(service)
        return running(self.words(service), ready, log=log, environment=environment, start_s=180)

    def ends(self, service: str, *words: str) -> str:
        """Run a service, or something else in its place, to a good end."""
        done = subprocess.run(
            [program(words[0]), *words[1:]] if words else self.words(service),
            cwd=self.folder / "image",
            env={**os.environ, **self.environment(service)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Copy what the image has, and choose ports."""
    image = tmp_path / "image"
    image.mkdir()
    for word, words in instructions():
        if word == "COPY" and not words[0].startswith("--from"):
            for one in words[:-1]:
                copy = shutil.copytree if (ROOT / one).is_dir() else shutil.copy
                copy(ROOT / one, image / one)
    server, gateway = free_ports(2)
    names = {
        "server:4200": f"127.0.0.1:{server}",
        "127.0.0.1:4200": f"127.0.0.1:{server}",
        "127.0.0.1:4242": f"127.0.0.1:{gateway}",
        "4200": str(server),
        "--host=0.0.0.0": f"--port={gateway}",
        "0.0.0.0": "127.0.0.1",  # noqa: S104 - no: we do not
    }
    return Machine(tmp_path, names)


@pytest.fixture
def database(machine: Machine) -> Iterator[Postgres]:
    """Run PostgreSQL as its service says."""
    log = machine.folder / "postgres.log"
    variables = SERVICES["postgres"]["environment"]
    variables = {name: given(value) for name, value in variables.items()}
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres(log, variables))
        except ServerMissingError as missing:
            pytest.skip(str(missing))
        machine.names["@postgres/"] = f"@127.0.0.1:{server.port}/"
        yield server


def test_the_image_has_all_that_is_imported(machine: Machine) -> None:
    code = (
        "import importlib.util as u, sys; print(*(u.find_spec(one).origin for one in sys.argv[1:]))"
    )
    told = machine.ends("worker", "python", "-c", code, *sorted(PACKAGES)).split()
    assert len(told) == len(PACKAGES)
    assert all(Path(one).is_relative_to(machine.folder / "image") for one in told)


@pytest.mark.slow
def test_a_file_goes_the_whole_way(machine: Machine, database: Postgres) -> None:
    asked = SERVICES["postgres"]["healthcheck"]["test"]
    assert database.program(*asked[1:]) is not None
    with machine.serving("server"):
        assert "deployment sync" in machine.ends("setup")
        with machine.serving("worker"):
            token = machine.ends("gateway", "entrepot", "token", "create", "--role", "admin")
            with machine.serving("gateway"):
                synced(machine, next(one for one in token.split() if one.startswith("ent_")))
        log = machine.folder / "image" / "server.log"
        assert PrefectServer(machine.environment("worker")["PREFECT_API_URL"], log).errors() == []
    assert held(database, "SELECT count(*) FROM flow_run") == "1"
    assert "drop" in held(database, "SELECT name FROM block_document")
    assert "drop" not in held(database, "SELECT data FROM block_document"), "it is encrypted"


def synced(machine: Machine, token: str) -> None:
    """Let the worker sync a folder to another, asked by the gateway, and read the file there."""
    drop, shelf = machine.folder / "drop", machine.folder / "shelf"
    api = machine.environment("worker")["PREFECT_API_URL"]
    with prefect_at(api):
        stored(drop, {"a.txt": "all the way"})
        stored(shelf, {})
    with httpx.Client(
        base_url=machine.put("http://127.0.0.1:4242"),
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    ) as client:
        begun = client.post("/v1/default/repositories/drop/sync", json={"destinations": ["shelf"]})
        assert begun.status_code == 202, begun.text
        place = begun.headers["location"]
        ended = until(lambda: client.get(place).json()["run"], lambda run: run["ended"] is not None)
        assert ended["state"] == "Completed", ended
        assert client.get("/content/default/shelf/a.txt").text == "all the way"


def held(database: Postgres, question: str) -> str:
    """Ask the database of Prefect's server."""
    words = ("-d", database.database, "-At", "-c", question)
    return (database.program("psql", *words) or "").strip()
