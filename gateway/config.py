"""The gateway's configuration: a YAML file, or by default one tenant with every stored block.

    tenants:
      acme:
        resources: s3-acme              # where to store uploads: a block, a URL or its fields
        repositories:
          models: s3-models             # /content/acme/models/…
          mirror: {repository: web-cache, upstream: "https://mirror.example/data/"}
        local_roots: [/srv/acme]        # no local folders outside of these

See docs/gateway.md.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from blocks.credentials import expand_variables
from catalog.errors import InvalidInput
from providers.shared.address import Address
from providers.shared.url import redact_url

Place = str | dict[str, Any]
"""A repository: the argument of `blocks.resolve.repository`."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_\-]{0,62}")


def _check_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a valid name: use up to 63 lower-case letters, digits, - and _"
        )
    return value


Name = Annotated[str, AfterValidator(_check_name)]


class Model(BaseModel):
    """A part of the configuration: an unknown key is an error, and errors quote no values."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


class ServedConfig(Model):
    """A repository served below `/content/<tenant>/<name>/`."""

    repository: Place = Field(
        description="The repository: a block's name, a URL, or the settings of a provider."
    )
    upstream: Place | None = Field(
        default=None,
        description="Repository to fetch paths from that no version lists; they are then stored.",
    )
    listing: bool = Field(default=True, description="Serve directory listings.")
    index: str = Field(
        default="index.html", description="File to serve instead of a directory listing."
    )
    redirect: bool = Field(
        default=False, description="Redirect clients to signed links of the object store."
    )
    grace_s: float = Field(
        default=3 * 86_400.0,
        ge=0,
        description="Seconds for which files are still served that the latest version removed.",
    )


def _check_external_address(value: str) -> str:
    address = Address.parse(value)
    if address.scheme not in ("http", "https", "file") or address.user:
        raise ValueError(
            f"{redact_url(value)!r} is not an http, https or file address without a login: "
            "add addresses that need a login to `sources`"
        )
    return value


def _as_served_config(value: object) -> object:
    plain = isinstance(value, str) or (isinstance(value, dict) and "repository" not in value)
    return {"repository": value} if plain else value


class TenantConfig(Model):
    """A tenant: where its uploads are stored, and what it may access."""

    resources: Place | None = Field(
        default=None,
        description="Repository to store uploads in; by default a folder next to the catalog.",
    )
    repositories: dict[Name, Annotated[ServedConfig, BeforeValidator(_as_served_config)]] | None = (
        Field(
            default=None,
            description="Repositories to serve, by name; by default every stored block.",
        )
    )
    sources: dict[Name, Place] = Field(
        default_factory=dict[Name, Place],
        description="Additional repositories to fetch from, with their credentials; not served.",
    )
    local_roots: tuple[Path, ...] = Field(
        default=(), description="Folders that must contain all local folders of this tenant."
    )
    external: tuple[Annotated[str, AfterValidator(_check_external_address)], ...] = Field(
        default=(),
        description=(
            "Addresses (including everything below them) that may be registered and fetched in "
            "addition to public web addresses, such as web servers in a private network."
        ),
    )
    anonymous: bool = Field(default=False, description="Allow reading without a token.")


class LimitConfig(Model):
    """Limits for one caller, and for all requests together."""

    upload_bytes: int | None = Field(
        default=None, ge=0, description="Largest upload in bytes; unlimited by default."
    )
    body_bytes: int = Field(
        default=2**20, ge=1, description="Largest body of other requests in bytes."
    )
    head_bytes: int = Field(
        default=32 * 2**10, ge=1024, description="Largest request head in bytes."
    )
    requests_per_s: float | None = Field(
        default=None, gt=0, description="Requests per second of one caller; unlimited by default."
    )
    burst: int = Field(default=100, ge=1, description="Requests of one caller allowed in a burst.")
    head_s: float = Field(
        default=30.0,
        gt=0,
        le=3600,
        description="Time limit for receiving a request head, in seconds.",
    )
    body_idle_s: float = Field(
        default=60.0,
        gt=0,
        le=3600,
        description="Seconds without data after which an upload is aborted (408).",
    )
    connections: int = Field(default=4000, ge=1, description="Open connections at once.")
    question_s: float = Field(
        default=20.0, gt=0, le=3600, description="Time limit for a catalog query, in seconds."
    )
    questions: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Requests of one tenant that query the catalog at once; by default half the number of "
            "cores, at least 1. Other requests wait."
        ),
    )
    under_way: int = Field(default=2000, ge=1, description="Requests handled at once.")


class GatewayConfig(Model):
    """The configuration file."""

    tenants: dict[Name, TenantConfig] = Field(description="The tenants by name.")
    limits: LimitConfig = Field(default_factory=LimitConfig, description="Limits of requests.")
    operators: tuple[str, ...] = Field(
        default=(), description="Ids of tokens that see the metrics of all tenants in /metrics."
    )
    cool_down_s: float = Field(
        default=300.0,
        ge=0,
        description="Seconds for which a source that sent corrupt content is not used.",
    )
    spool: Path | None = Field(
        default=None,
        description="Folder for files being fetched; by default next to the catalog.",
    )

    @model_validator(mode="after")
    def _check_separate_storages(self) -> Self:
        """Refuse tenants that would store their uploads in the same repository."""
        seen: dict[str, str] = {}
        for name, one in self.tenants.items():
            if one.resources is not None:
                other = seen.setdefault(json.dumps(one.resources, sort_keys=True), name)
                if other != name:
                    raise ValueError(
                        f"the tenants {other!r} and {name!r} have the same `resources`: "
                        "each needs its own"
                    )
        return self


def load(file: Path) -> GatewayConfig:
    """Load a configuration; `$VAR` and `${VAR}` are replaced from the environment.

    Raises:
        InvalidInput: it is invalid; the message has no values, which may be secret.
    """
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"cannot read {str(file)!r}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise InvalidInput(f"{str(file)!r} is not YAML: {error}") from error
    try:
        return GatewayConfig.model_validate(expand_variables(found))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}"
            for one in error.errors()
        )
        raise InvalidInput(f"{str(file)!r} is invalid: {problems}") from error


def default(tenant: str) -> GatewayConfig:
    """Return the default configuration: one tenant with every stored block."""
    return GatewayConfig(tenants={tenant: TenantConfig()})
