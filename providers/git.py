"""Git repositories, read only: the files of one branch, tag or commit, Git LFS included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, unquote

from pydantic import Field, SecretStr, field_validator

from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings
from providers.connection import OnClose, keep_open
from providers.http_origin import Proxy
from providers.url import build_url, parse_url, quote_path
from providers.web_settings import canonical_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from providers.git_clone import GitClone
    from providers.git_storage import GitStorage


class GitSettings(ProviderSettings):
    """The files of a branch, tag or commit of a git repository."""

    type: Literal["git"] = Field(
        default="git", title="Type", description="Files of a git repository, read only."
    )
    url: str = Field(
        title="URL",
        description="Address of the repository: https://, http://, ssh:// or file://.",
    )
    ref: str = Field(default="HEAD", title="Ref", description="Branch, tag or full id of a commit.")
    path: str = Field(default="", title="Folder", description="Folder in the repository.")
    username: str = Field(
        default="", title="User", description="User at the server; of ssh:// too."
    )
    token: SecretStr = Field(
        default=SecretStr(""),
        title="Token",
        description="Token or password for http(s); ssh uses the keys of the system's own ssh.",
    )
    lfs_url: str = Field(
        default="",
        title="LFS server",
        description="Address of the Git LFS server, where it is not the repository's own.",
    )
    certificate: str = Field(
        default="",
        title="CA certificates",
        description="PEM text, or the path of a file, of authorities trusted beside the system's.",
    )
    verify_tls: bool = Field(
        default=True,
        title="Check certificates",
        description="Refuse servers whose certificate is not trusted.",
    )
    proxy_url: str = Field(
        default="", title="Proxy", description="URL of an HTTP proxy, without a password."
    )
    proxy_username: str = Field(
        default="", title="Proxy user", description="User that the proxy asks for."
    )
    proxy_password: SecretStr = Field(
        default=SecretStr(""), title="Proxy password", description="Password of the proxy's user."
    )

    @field_validator("url")
    @classmethod
    def _canonical(cls, value: str) -> str:
        parsed = parse_url(value.strip())
        if parsed.scheme in ("http", "https") and parsed.key:
            return canonical_url(value)
        local = parsed.scheme == "file" and not parsed.netloc
        remote = parsed.scheme == "ssh" and parsed.host and not parsed.host.startswith("-")
        if parsed.user or parsed.raw_query or not parsed.key or not (local or remote):
            raise InvalidInput(
                "the URL must be https://host/path, http://, ssh://, or file:///path; the user has "
                "a field of its own"
            )
        return build_url(parsed.scheme, parsed.netloc.lower(), parsed.path)

    @field_validator("lfs_url")
    @classmethod
    def _server(cls, value: str) -> str:
        return canonical_url(value) if value else ""

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str) -> str:
        return clean_prefix(value)

    @field_validator("ref")
    @classmethod
    def _a_ref(cls, value: str) -> str:
        if not value or value.startswith("-") or any(one <= " " for one in value):
            raise InvalidInput(f"{value!r} is not the name of a branch or tag, nor a commit's id")
        return value

    @field_validator("proxy_url")
    @classmethod
    def _a_proxy(cls, value: str) -> str:
        if value:
            Proxy(value).origin()
        return value

    def address(self) -> str:
        """Return `git+`, the URL, `@` and the ref, and the folder behind that."""
        scheme, _, rest = self.url.partition("://")
        user = f"{quote(self.username, safe='')}@" if scheme == "ssh" and self.username else ""
        folder = f"/{quote_path(self.path)}" if self.path else ""
        repository = rest.replace("@", "%40")
        return f"git+{scheme}://{user}{repository}@{quote(self.ref, safe='')}{folder}"

    def connection_key(self) -> tuple[object, ...]:
        """Return all that decides the clone; the folder is only looked up in it."""
        return (
            self.url,
            self.ref,
            self.username,
            self.token.get_secret_value(),
            self.lfs_url,
            self.certificate,
            self.verify_tls,
            self.proxy_url,
            self.proxy_username,
            self.proxy_password.get_secret_value(),
        )

    def connect(self, options: OpenOptions) -> GitClone:
        """Return a clone that is made when it is first listed; nothing is asked yet."""
        from providers.git_clone import GitClone  # noqa: PLC0415 - a tenth of a second to import

        return GitClone(self, options)

    def storage(
        self, connection: GitClone, options: OpenOptions, *, on_close: OnClose = keep_open
    ) -> GitStorage:
        """Return the folder."""
        from providers.git_storage import GitStorage  # noqa: PLC0415 - the same

        if self.url.startswith("file://"):
            from providers.local import LocalSettings  # noqa: PLC0415 - where it is one

            place = unquote(self.url.removeprefix("file://"))
            LocalSettings(path=place).open(options).close()  # it is what refuses other folders
        return GitStorage(connection, self.path, on_close=on_close)

    def filesystem(self) -> AbstractFileSystem:
        """Return the files as they are now, for looking around."""
        from providers.git_filesystem import GitFileSystem  # noqa: PLC0415 - seldom needed

        options = OpenOptions()
        clone = self.connect(options)
        return GitFileSystem(self.storage(clone, options, on_close=clone.close))

    @classmethod
    def from_url(cls, url: str) -> GitSettings:
        """Read `git+https://host/repository@ref/folder`; an `@` in a name is written %40."""
        parsed = parse_url(url)
        if parsed.raw_query:
            raise InvalidInput("the address of a git repository has no query")
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
