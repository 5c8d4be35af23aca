"""Who asks a store that speaks S3, and how it is reached: all of a connection but the bucket."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class S3Login:
    """An identity at an endpoint; without keys the ambient one, secrets never show."""

    endpoint: str  # URL; '' is AWS
    region: str
    access_key_id: str
    secret_access_key: SecretStr
    session_token: SecretStr
    anonymous: bool
    path_style: bool
    certificate: str  # PEM
    insecure: bool
