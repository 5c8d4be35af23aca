"""Settings of read-only git repositories: the files of a branch, tag or commit, with LFS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, unquote

from pydantic import Field, SecretStr, field_validator, model_validator

from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings
from providers.connection import OnClose, keep_open
from providers.git.remote import GitRemote
from providers.http.base_settings import canonical_url
from providers.shared.allowed_roots import check_local_root
from providers.shared.tls_fields import (
    Authorities,
    ClientCertificate,
    ClientKey,
    ProxyPassword,
    ProxyUrl,
    ProxyUsername,
    VerifyTls,
    check_tls_and_proxy,
    proxy_of,
    tls_and_proxy_key,
    tls_of,
)
from providers.shared.url import build_url, parse_url, quote_path
from providers.ssh.fields import (
    HostKeyPolicy,
    HostKeys,
    KnownHosts,
    Passphrase,
    PrivateKey,
    SshLogin,
)

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from providers.git.clone import GitClone
    from providers.git.storage import GitStorage

_HTTP = (
    "token",
    "certificate",
    "client_certificate",
    "client_key",
    "verify_tls",
    "proxy_url",
    "proxy_username",
    "proxy_password",
)
_SSH = ("private_key", "passphrase", "host_keys", "known_hosts")


class GitSettings(ProviderSettings, title="Git"):
    """The files of a branch, tag or commit of a git repository."""

    type: Literal["git"] = Field(
        default="git", title="Type", description="Files in a git repository, read-only."
    )
    url: str = Field(
        title="URL",
        description="Address of the repository: https://, http://, ssh:// or file://.",
    )
    ref: str = Field(default="HEAD", title="Ref", description="Branch, tag or full commit id.")
    path: str = Field(default="", title="Folder", description="Folder in the repository.")
    username: str = Field(
        default="", title="User", description="User name for http(s):// or ssh://."
    )
    token: SecretStr = Field(
        default=SecretStr(""),
        title="Token",
        description="Token or password for http(s)://; ssh:// uses the private key.",
    )
    lfs_url: str = Field(
        default="",
        title="LFS server",
        description="Address of the Git LFS server; empty for the repository's own.",
    )
    certificate: Authorities = ""
    client_certificate: ClientCertificate = ""
    client_key: ClientKey = SecretStr("")
    verify_tls: VerifyTls = True
    proxy_url: ProxyUrl = ""
    proxy_username: ProxyUsername = ""
    proxy_password: ProxyPassword = SecretStr("")
    private_key: PrivateKey = SecretStr("")
    passphrase: Passphrase = SecretStr("")
    host_keys: HostKeyPolicy = HostKeys.STRICT
    known_hosts: KnownHosts = ""

    @field_validator("url")
    @classmethod
    def _canonical_url(cls, value: str) -> str:
        parsed = parse_url(value.strip())
        if parsed.scheme in ("http", "https") and parsed.key:
            return canonical_url(value)
        local = parsed.scheme == "file" and not parsed.netloc
        remote = parsed.scheme == "ssh" and parsed.host and not parsed.host.startswith("-")
        if parsed.user or parsed.raw_query or not parsed.key or not (local or remote):
            raise InvalidInput(
                "the URL must be https://host/path, http://, ssh://, or file:///path, without "
                "user and query; the user has its own field"
            )
        return build_url(parsed.scheme, parsed.netloc.lower(), parsed.path)

    @field_validator("lfs_url")
    @classmethod
    def _clean_lfs_url(cls, value: str) -> str:
        return canonical_url(value) if value else ""

    @field_validator("path")
    @classmethod
    def _clean_path(cls, value: str) -> str:
        return clean_prefix(value)

    @field_validator("ref")
    @classmethod
    def _check_ref(cls, value: str) -> str:
        if not value or value.startswith("-") or any(one <= " " for one in value):
            raise InvalidInput(f"{value!r} is not a valid branch, tag or commit id")
        return value

    @model_validator(mode="after")
    def _check_combination(self) -> GitSettings:
        check_tls_and_proxy(self)
        scheme = self.url.partition("://")[0]
        over_http = scheme.startswith("http")
        useless = {
            "http": () if over_http or self.lfs_url else _HTTP,
            "ssh": () if scheme == "ssh" else _SSH,
        }
        for way, names in useless.items():
            for name in names:
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise InvalidInput(f"{name!r} applies to {way} only, not to {scheme}://")
        if scheme == "file" and self.username and not self.lfs_url:
            raise InvalidInput("'username' does not apply to file://")
        if scheme == "ssh":
            self.login()
        return self

    def address(self) -> str:
        """Return `git+`, the URL, `@`, the ref, and the folder."""
        scheme, _, rest = self.url.partition("://")
        user = f"{quote(self.username, safe='')}@" if scheme == "ssh" and self.username else ""
        folder = f"/{quote_path(self.path)}" if self.path else ""
        repository = rest.replace("@", "%40")
        return f"git+{scheme}://{user}{repository}@{quote(self.ref, safe='')}{folder}"

    def connection_key(self) -> tuple[object, ...]:
        """Return everything but the folder."""
        return (
            self.url,
            self.ref,
            self.username,
            self.token.get_secret_value(),
            self.lfs_url,
            *tls_and_proxy_key(self),
            self.private_key.get_secret_value(),
            self.passphrase.get_secret_value(),
            self.host_keys,
            self.known_hosts,
        )

    def login(self) -> SshLogin:
        """Return the SSH server's credentials and accepted host keys."""
        parsed = parse_url(self.url)
        return SshLogin(
            parsed.host,
            parsed.port or 22,
            self.username,
            SecretStr(""),
            self.private_key,
            self.passphrase,
            self.host_keys,
            self.known_hosts,
        )

    def remote(self) -> GitRemote:
        """Return the ref's address and credentials."""
        return GitRemote(
            url=self.url,
            ref=self.ref,
            username=self.username,
            token=self.token,
            lfs_url=self.lfs_url,
            tls=tls_of(self),
            proxy=proxy_of(self),
            ssh=self.login() if self.url.startswith("ssh://") else None,
        )

    def connect(self, options: OpenOptions) -> GitClone:
        """Return a clone, which is fetched when first listed; no request is sent yet."""
        from providers.git.clone import GitClone  # noqa: PLC0415 - a tenth of a second to import

        return GitClone(self.remote(), options)

    def storage(
        self,
        connection: GitClone,
        options: OpenOptions,  # noqa: ARG002 - the clone has them
        *,
        on_close: OnClose = keep_open,
    ) -> GitStorage:
        """Return the folder."""
        from providers.git.storage import GitStorage  # noqa: PLC0415 - the same

        if self.url.startswith("file://"):
            check_local_root(unquote(self.url.removeprefix("file://")))
        return GitStorage(connection, self.path, on_close=on_close)

    def filesystem(self) -> AbstractFileSystem:
        """Return a filesystem with the current files, for exploring."""
        from providers.git.filesystem import GitFileSystem  # noqa: PLC0415 - seldom needed

        options = OpenOptions()
        clone = self.connect(options)
        return GitFileSystem(self.storage(clone, options, on_close=clone.close))

    @classmethod
    def from_url(cls, url: str) -> GitSettings:
        """Parse `git+https://host/repository@ref/folder`; an `@` in a name is written %40."""
        parsed = parse_url(url)
        if parsed.raw_query:
            raise InvalidInput("the address of a git repository must not have a query")
        scheme, _, rest = url.removeprefix("git+").partition("://")
        netloc, slash, tail = rest.partition("/")
        repository, _, behind = tail.partition("@")
        ref, _, folder = behind.partition("/")
        return cls(
            url=f"{scheme}://{netloc.rpartition('@')[2]}{slash}{repository}",
            ref=unquote(ref) or "HEAD",
            path=unquote(folder),
            username=parsed.user,
        )
