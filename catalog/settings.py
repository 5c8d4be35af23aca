"""Settings from the environment, each with the prefix `ENTREPOT_`."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from catalog.model.digest import TRUSTED


def default_catalog() -> Path:
    """Return where the catalog lies unless `ENTREPOT_CATALOG` says otherwise."""
    return user_data_path("entrepot") / "catalog.duckdb"


class Settings(BaseSettings):
    """What a person may set for every run on this machine."""

    model_config = SettingsConfigDict(env_prefix="ENTREPOT_", frozen=True)

    catalog: Path = Field(default_factory=default_catalog, description="The catalog's file.")
    catalog_timeout_s: float = Field(
        default=120.0, gt=0, description="How long to wait for the catalog, in seconds."
    )
    catalog_threads: int = Field(default=1, ge=1, description="Threads of the catalog's engine.")
    catalog_memory: str = Field(
        default="200MB", pattern=r"^\d+(\.\d+)?\s*[KMGT]i?B$", description="Memory of the engine."
    )
    tenant: str = Field(default="default", min_length=1, description="Whose catalog rows to see.")
    memory: int = Field(
        default=256 * 2**20, ge=2**20, description="Bytes of files held in memory at once."
    )
    resume_from: int = Field(
        default=64 * 2**20,
        ge=2**20,
        description="Bytes of a file from which on what came of it is kept on disk until it is "
        "whole, so that a run after a kill reads only the rest.",
    )
    threads: int = Field(
        default=64, ge=1, le=256, description="Threads of a batch, at most; a few are the rule."
    )
    credentials: Path | None = Field(
        default=None, description="Folder of named credential sets, one JSON file each."
    )
    local_roots: list[Path] = Field(
        default_factory=list[Path],
        description="Folders that local repositories must lie in; none for anywhere.",
    )
    rehearsal: bool = Field(
        default=False, description="Whether there is the provider `faulty`, to try faults out."
    )
    batch_count: int = Field(default=5000, ge=1, description="Files of one batch, at most.")
    batch_bytes: int = Field(
        default=256 * 2**20, ge=1, description="Bytes of one batch; a larger file is alone."
    )
    trusted_digests: tuple[str, ...] = Field(
        default=TRUSTED, description="Digest algorithms that a source may prove its files with."
    )
    gateway_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s()<>]+)?$",
        description="Address of the gateway that people read; reports of runs lead to it.",
    )


def memory() -> int:
    """Return how many bytes of memory files may take, as `Settings` does.

    Reading all settings takes half a millisecond, and this is asked for every storage that is
    opened.
    """
    return _memory(os.environ.get("ENTREPOT_MEMORY"))


@cache
def _memory(_environment: str | None) -> int:
    return Settings().memory
