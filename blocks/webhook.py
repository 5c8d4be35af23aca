"""The `Webhook` block: a URL that is called with the files that a batch has stored."""

from __future__ import annotations

import base64
import binascii
from typing import ClassVar, Self

from pydantic import ConfigDict, Field, HttpUrl, SecretStr, field_validator

from catalog.errors import InvalidInput
from orchestration.block import Block, stored_names
from orchestration.stored_names import not_stored
from providers.registry import scheme_of
from providers.shared.url import parse_url
from transfer.webhook import DEFAULT_RETRY, TIMEOUT_S, Body, Receiver
from transfer.workers.retry import RetryPolicy

PREFIX = "whsec_"


class Webhook(Block):
    """A receiver of messages about the files that a batch has stored.

    Example:
        Load a stored webhook and give it to a sync:

        ```python
        from blocks.webhook import Webhook

        webhook = Webhook.load("BLOCK_NAME")
        ```
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Entrepot Webhook"
    _block_type_slug = "entrepot-webhook"
    _description = (
        "A URL to which Entrepot posts the files that a batch has stored, with signatures and "
        "retries as standardwebhooks.com specifies."
    )
    _logo_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://raw.githubusercontent.com/PrefectHQ/prefect/"
        "420d0d6a78bb6df1fc18bcf188fdad43c1d22ea9/assets/block-logos/webhook.png"
    )
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://docs.prefect.io/v3/concepts/blocks"
    )

    url: SecretStr = Field(
        title="URL", description="URL to post to, http:// or https://; it is stored as a secret."
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        title="Secret",
        description=(
            "Key of the signature: whsec_ and base64, or any text; empty to send unsigned messages."
        ),
    )
    body: Body = Field(
        default=Body.INGEST,
        title="Body",
        description="What is sent: only the list of URLs, or the details of each file.",
    )
    retries: int = Field(
        default=DEFAULT_RETRY.retries,
        ge=0,
        le=100,
        title="Retries",
        description="Most retries after a time-out, a 429 or a 5xx; 0 for none.",
    )
    first_s: float = Field(
        default=DEFAULT_RETRY.first_s,
        ge=0,
        title="First wait",
        description="Seconds before the first retry; the wait doubles with each retry.",
    )
    longest_s: float = Field(
        default=DEFAULT_RETRY.longest_s,
        ge=0,
        title="Longest wait",
        description="Longest wait in seconds.",
    )
    timeout_s: float = Field(
        default=TIMEOUT_S, gt=0, title="Time-out", description="Seconds to wait for a reply."
    )

    labels: dict[str, str] = Field(
        default_factory=dict, title="Labels", description="Your own labels."
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if scheme_of(url) not in ("http", "https") or not parse_url(url).host:
            raise InvalidInput("expected a webhook's URL with http:// or https:// and a host")
        return value

    @field_validator("secret")
    @classmethod
    def _check_secret(cls, value: SecretStr) -> SecretStr:
        _key(value.get_secret_value())
        return value

    @classmethod
    def named(cls, name: str) -> Self:
        """Load the stored webhook of this name, also in a notebook."""
        return cls.load(name, _sync=True)  # type: ignore[call-arg, return-value]

    @property
    def name(self) -> str | None:
        """Return the name it is stored under, if any."""
        return self._block_document_name

    def receiver(self) -> Receiver:
        """Return the webhook for the engine."""
        return Receiver(
            self.url.get_secret_value(),
            _key(self.secret.get_secret_value()),
            self.body,
            RetryPolicy(self.retries, self.first_s, longest_s=self.longest_s),
            self.timeout_s,
        )


def webhook(given: Webhook | str) -> Webhook:
    """Return the webhook that `given` refers to: a block, its name, or an http(s) URL.

    Raises:
        RepositoryNotFound: there is no webhook block of that name.
        InvalidInput: the URL is invalid.
    """
    if isinstance(given, Webhook):
        return given
    if scheme_of(given) is not None:
        parse_url(given)  # refuses a password
        return Webhook(url=SecretStr(given))
    try:
        return Webhook.named(given)
    except ValueError as error:
        raise not_stored("webhook", given, stored_names(Webhook.get_block_type_slug())) from error


def _key(text: str) -> bytes:
    if not text.startswith(PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise InvalidInput(
            f"a webhook's secret that begins with {PREFIX} must continue with valid base64"
        ) from error
