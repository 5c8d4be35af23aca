"""What the gateway serves, and to whom: a YAML file, or else one tenant with every stored block.

    tenants:
      acme:
        resources: s3-acme              # where uploads lie; a block, a URL or a provider's fields
        repositories:
          models: s3-models             # /content/acme/models/…
          mirror: {repository: web-cache, upstream: "https://mirror.example/data/"}
        local_roots: [/srv/acme]        # no local folder outside of these

docs/gateway.md has more of it.
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
from providers.shared.url import shown

Place = str | dict[str, Any]
"""A repository as `blocks.resolve.repository` takes it."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_\-]{0,62}")


def _named(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is no name: expected lower-case letters, digits, - and _, at most 63"
        )
    return value


Name = Annotated[str, AfterValidator(_named)]


class Model(BaseModel):
    """What a person writes: an unknown key is an error, and no refused value is quoted."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


class ServedConfig(Model):
    """One repository as it is served below `/content/<tenant>/<name>/`."""

    repository: Place = Field(description="The repository: a block's name, a URL, or its fields.")
    upstream: Place | None = Field(
        default=None, description="Where a path that no version lists is fetched from, and kept."
    )
    listing: bool = Field(default=True, description="Whether folders are shown as pages.")
    index: str = Field(default="index.html", description="The file shown instead of its folder.")
    redirect: bool = Field(
        default=False, description="Whether clients are sent to signed links of an object store."
    )
    grace_s: float = Field(
        default=3 * 86_400.0,
        ge=0,
        description="Seconds for which a file stays servable that the latest version lost.",
    )


def _listed(value: str) -> str:
    address = Address.parse(value)
    if address.scheme not in ("http", "https", "file") or address.user:
        raise ValueError(
            f"{shown(value)!r} is no address without a login (http, https, file): what takes one "
            "belongs into `sources`"
        )
    return value


def _served(value: object) -> object:
    plain = isinstance(value, str) or (isinstance(value, dict) and "repository" not in value)
    return {"repository": value} if plain else value


class TenantConfig(Model):
    """One tenant: where its uploads lie, and what it may see."""

    resources: Place | None = Field(
        default=None, description="Where uploads lie; a folder beside the catalog by default."
    )
    repositories: dict[Name, Annotated[ServedConfig, BeforeValidator(_served)]] | None = Field(
        default=None, description="What is served, by name; by default every stored block."
    )
    sources: dict[Name, Place] = Field(
        default_factory=dict[Name, Place],
        description="Further places to fetch from, with their credentials; they are not served.",
    )
    local_roots: tuple[Path, ...] = Field(
        default=(), description="Folders that this tenant's local places must lie in."
    )
    external: tuple[Annotated[str, AfterValidator(_listed)], ...] = Field(
        default=(),
        description=(
            "Addresses, and all below them, that may be registered and fetched beside public web "
            "addresses; a web server of your own network has to be named here."
        ),
    )
    anonymous: bool = Field(default=False, description="Whether anybody may read without a token.")


class LimitConfig(Model):
    """What one caller, and all together, may ask for."""

    upload_bytes: int | None = Field(
        default=None, ge=0, description="Largest upload in bytes; none by default."
    )
    body_bytes: int = Field(
        default=2**20, ge=1, description="Largest body of any other request, in bytes."
    )
    head_bytes: int = Field(default=32 * 2**10, ge=1024, description="Largest head, in bytes.")
    requests_per_s: float | None = Field(
        default=None, gt=0, description="Requests a second of one caller; none by default."
    )
    burst: int = Field(default=100, ge=1, description="Requests that one caller may save up.")
    head_s: float = Field(
        default=30.0, gt=0, le=3600, description="Seconds that the head of a request may take."
    )
    body_idle_s: float = Field(
        default=60.0, gt=0, le=3600, description="Seconds without a byte that end an upload (408)."
    )
    connections: int = Field(default=4000, ge=1, description="Connections open together.")
    question_s: float = Field(
        default=20.0, gt=0, le=3600, description="Seconds that a question to the catalog may take."
    )
    questions: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Requests of one tenant that ask the catalog at a time; by default half of the cores, "
            "and at least 1. The others wait."
        ),
    )
    under_way: int = Field(default=2000, ge=1, description="Requests under way together.")


class GatewayConfig(Model):
    """The whole file."""

    tenants: dict[Name, TenantConfig] = Field(description="Every tenant by name.")
    limits: LimitConfig = Field(default_factory=LimitConfig, description="What may be asked for.")
    operators: tuple[str, ...] = Field(
        default=(), description="Ids of tokens that see every tenant's figures in /metrics."
    )
    cool_down_s: float = Field(
        default=300.0, ge=0, description="How long a source that sent wrong bytes is not asked."
    )
    spool: Path | None = Field(
        default=None, description="Folder for what is being fetched; beside the catalog by default."
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        """Refuse tenants that would keep their uploads at one place."""
        seen: dict[str, str] = {}
        for name, one in self.tenants.items():
            if one.resources is not None:
                other = seen.setdefault(json.dumps(one.resources, sort_keys=True), name)
                if other != name:
                    raise ValueError(f"the tenants {other!r} and {name!r} keep resources together")
        return self


def load(file: Path) -> GatewayConfig:
    """Read a configuration; `$VAR` and `${VAR}` are taken from the environment.

    Raises:
        InvalidInput: it cannot be read; place and rule are named, never a value.
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
        told = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}"
            for one in error.errors()
        )
        raise InvalidInput(f"{str(file)!r} cannot be used: {told}") from error


def default(tenant: str) -> GatewayConfig:
    """Return what is served without a file: one tenant, and every stored block."""
    return GatewayConfig(tenants={tenant: TenantConfig()})
