"""Access tokens for Google Cloud Storage: of a service account, the ambient identity, or none."""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Any

from catalog.errors import AccessDenied, ConnectionFailed, InvalidInput

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"


class Identity(StrEnum):
    """The identity to use without a service account."""

    AMBIENT = "ambient"
    ANONYMOUS = "anonymous"


class GcsToken:
    """Provides the Authorization header; refreshes the token in one thread at a time."""

    def __init__(self, identity: Identity, account: dict[str, Any] | None, where: str) -> None:
        """Use the service `account`, or else `identity`; no request is sent yet."""
        self._identity = identity
        self._account = account
        self._where = where
        self._credentials: Any = None
        self._lock = threading.Lock()

    def is_same_identity(self, other: GcsToken) -> bool:
        """Return whether another token is for the same identity."""
        return (self._identity, self._account) == (other._identity, other._account)

    def headers(self) -> dict[str, str]:
        """Return the Authorization header; empty if anonymous."""
        if self._account is None and self._identity is Identity.ANONYMOUS:
            return {}
        credentials = self._credentials
        if credentials is None or not credentials.valid:
            with self._lock:
                credentials = self._refresh()
        return {"Authorization": f"Bearer {credentials.token}"}

    def _refresh(self) -> Any:  # noqa: ANN401 - google-auth has no common type for them
        from google.auth import default  # noqa: PLC0415 - slow, and not for the anonymous
        from google.auth.exceptions import GoogleAuthError, TransportError  # noqa: PLC0415
        from google.auth.transport.requests import Request  # noqa: PLC0415
        from google.oauth2.service_account import Credentials  # noqa: PLC0415

        try:
            if self._credentials is None and self._account is not None:
                self._credentials = Credentials.from_service_account_info(  # type: ignore[no-untyped-call]  # google-auth's gap
                    self._account, scopes=[_SCOPE]
                )
            elif self._credentials is None:
                self._credentials = default(scopes=[_SCOPE])[0]
            if not self._credentials.valid:
                self._credentials.refresh(Request())
        except TransportError as error:
            raise ConnectionFailed(f"{self._where}: cannot get an access token") from error
        except GoogleAuthError as error:
            raise AccessDenied(
                f"{self._where}: no access token was granted ({type(error).__name__})"
            ) from error
        except ValueError:
            raise InvalidInput("the service account's key is invalid") from None  # a secret
        return self._credentials
