"""Credentials and endpoint of an S3 store: the connection settings without the bucket."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class S3Login:
    """Credentials at an endpoint; without keys the ambient identity is used."""

    endpoint: str  # URL; '' is AWS
    region: str
    access_key_id: str
    secret_access_key: SecretStr
    session_token: SecretStr
    anonymous: bool
    path_style: bool
    certificate: str  # PEM
    insecure: bool
