"""Azurite, the emulator of Azure Blob Storage; an npm program below `.tools`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import ROOT, ServerMissingError, free_ports, listens, program, running

# The one account that every Azurite has; documented by Microsoft, no secret.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True, slots=True)
class AzureServer:
    """A running emulator and one container that it has."""

    endpoint: str
    container: str = "entrepot"
    account: str = ACCOUNT
    key: str = KEY

    @property
    def connection_string(self) -> str:
        """Return the string that Azure's own tools take."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={self.account};AccountKey={self.key};"
            f"BlobEndpoint={self.endpoint};"
        )

    def make_container(self, name: str) -> None:
        """Create a container."""
        from azure.storage.blob import BlobServiceClient  # noqa: PLC0415 - slow to import

        with BlobServiceClient.from_connection_string(self.connection_string) as client:
            client.create_container(name).close()  # pyright: ignore[reportUnknownMemberType] - azure's own gap


@contextmanager
def azurite(folder: Path) -> Generator[AzureServer, None, None]:
    """Run the emulator, in memory."""
    script = ROOT / ".tools/node_modules/azurite/dist/src/blob/main.js"
    if not script.exists():
        raise ServerMissingError("azurite is not installed; run tests/servers/install")
    (port,) = free_ports(1)
    command: list[str | Path] = [program("node"), script, "--inMemoryPersistence", "--silent"]
    command += ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--skipApiVersionCheck"]
    command += ["--disableTelemetry"]
    with running(command, lambda: listens(port), log=folder / "azurite.log"):
        server = AzureServer(f"http://127.0.0.1:{port}/{ACCOUNT}")
        server.make_container(server.container)
        yield server
