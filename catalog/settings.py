"""Settings from the environment, each with the prefix `ENTREPOT_`."""

from __future__ import annotations

import os
from enum import StrEnum
from functools import cache
from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from catalog.model.digest import TRUSTED


def default_catalog() -> Path:
    """Return the path of the catalog if `ENTREPOT_CATALOG` is not set."""
    return user_data_path("entrepot") / "catalog.duckdb"


class PrefectUse(StrEnum):
    """When the command line runs verbs as Prefect flows."""

    AUTO = "auto"
    """If a Prefect server is configured, or a stored block is needed."""
    SERVER = "server"
    """Always; without a configured server, at a temporary one."""
    NEVER = "never"
    """Never: verbs run directly, and the catalog alone records them."""


class Settings(BaseSettings):
    """Settings for every run on this machine."""

    model_config = SettingsConfigDict(env_prefix="ENTREPOT_", frozen=True)

    catalog: Path = Field(default_factory=default_catalog, description="The catalog's file.")
    catalog_timeout_s: float = Field(
        default=120.0, gt=0, description="How long to wait for the catalog, in seconds."
    )
    catalog_threads: int = Field(default=1, ge=1, description="Threads of the catalog's engine.")
    catalog_memory: str = Field(
        default="200MB",
        pattern=r"^\d+(\.\d+)?\s*[KMGT]i?B$",
        description="Memory of the catalog's engine.",
    )
    tenant: str = Field(
        default="default",
        min_length=1,
        description="The tenant whose rows of the catalog are used.",
    )
    memory: int = Field(
        default=256 * 2**20, ge=2**20, description="Bytes of files in memory at once."
    )
    resume_from: int = Field(
        default=64 * 2**20,
        ge=2**20,
        description="Files of at least this many bytes can be resumed: received parts are kept on "
        "disk, and the next run after a kill reads only the rest.",
    )
    threads: int = Field(
        default=64, ge=1, le=256, description="Most threads of a batch; usually only a few run."
    )
    credentials: Path | None = Field(
        default=None, description="Folder of named credential sets, one JSON file each."
    )
    local_roots: list[Path] = Field(
        default_factory=list[Path],
        description="Folders that local repositories must be in; empty for no restriction.",
    )
    rehearsal: bool = Field(
        default=False, description="Enable the provider `faulty`, which simulates faults."
    )
    batch_count: int = Field(default=5000, ge=1, description="Most files of a batch.")
    batch_bytes: int = Field(
        default=256 * 2**20,
        ge=1,
        description="Most bytes of a batch; a larger file is a batch of its own.",
    )
    trusted_digests: tuple[str, ...] = Field(
        default=TRUSTED,
        description="Digest algorithms that are trusted when a source declares them.",
    )
    prefect: PrefectUse = Field(
        default=PrefectUse.AUTO,
        description="When the command line runs verbs as Prefect flows: `auto` if a Prefect server "
        "is configured or a stored block is needed, `server` always, `never` not at all.",
    )
    gateway_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s()<>]+)?$",
        description="Address of the gateway for people; reports of runs link to it.",
    )


def memory() -> int:
    """Return the setting `memory`: how many bytes of files may be in memory.

    Reading all settings takes half a millisecond, and this is called whenever a storage is
    opened.
    """
    return _memory(os.environ.get("ENTREPOT_MEMORY"))


@cache
def _memory(_environment: str | None) -> int:
    return Settings().memory
