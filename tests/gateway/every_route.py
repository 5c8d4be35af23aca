"""A request for every route of the gateway, and whoever asks with a token of any grants."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from typing import Any

import httpx

from catalog.access.grants import Grant, Role
from tests.gateway.seeded_gateway import Filled

TENANT = "/v1/mytenant"
EVERYWHERE = "admin"
T, B = "/v1/{tenant}", "/browse/{tenant}"
R, N, P = f"{T}/resources", "{name:path}", f"{T}/repositories/{{name}}"


@dataclass(frozen=True, slots=True)
class Door:
    """A request that an admin of the whole tenant may make, after which all is as it was."""

    url: str
    more: dict[str, Any] = field(default_factory=dict[str, Any])
    lists: bool = False  # it answers whoever may see any part, with what may be seen


@dataclass(frozen=True, slots=True)
class Site:
    """A gateway in which there is something behind every door."""

    full: Filled
    upload: str  # the id of one under way
    tokens: dict[tuple[str, ...], str] = field(default_factory=dict[tuple[str, ...], str])

    def ask(self, grants: tuple[str, ...], method: str, url: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - httpx's
        """Ask with a token of these grants; one word alone is a role in the whole tenant."""
        if grants not in self.tokens:
            parts = [Grant.parse(one) for one in grants if ":" in one]
            role = next((Role(one) for one in grants if ":" not in one), None)
            catalog = self.full.running.catalog
            self.tokens[grants] = catalog.tokens.create(role, grants=parts)[1]
        headers = {"Authorization": f"Bearer {self.tokens[grants]}", **more.pop("headers", {})}
        return self.full.running.client.request(method, url, headers=headers, **more)

    def authenticator(self) -> dict[tuple[str, str], Door]:
        """Return a request for every route of the gateway."""
        repository, version = (
            f"{TENANT}/repositories/there",
            f"{TENANT}/repositories/there/versions",
        )
        resources, plan = f"{TENANT}/resources", f"{TENANT}/plans/{self.full.plans[0].plan_id}"
        run, flow = (
            f"{TENANT}/runs/first",
            f"{TENANT}/flow-runs/{'0' * 8}-0000-0000-0000-{'0' * 12}",
        )
        body = {"url": "https://127.0.0.1/hidden"}
        upload = f"{resources}/uploads/{self.upload}"
        browse = "/browse/mytenant"
        package = {"files": {"artifact": ("p.zip", packed("hidden"))}}
        return {
            ("GET", f"{T}/profile"): Door(f"{TENANT}/profile?seconds=0.01"),
            ("POST", f"{T}/artifacts/upload"): Door(f"{TENANT}/artifacts/upload", package),
            ("POST", f"{T}/artifacts/register"): Door(
                f"{TENANT}/artifacts/register",
                {
                    "files": {"metadata": ("metadata.yml", metadata("hidden"))},
                    "data": {"url": "https://127.0.0.1/hidden.zip"},
                },
            ),
            ("GET", f"{T}/artifacts/types"): Door(f"{TENANT}/artifacts/types", lists=True),
            ("GET", f"{T}/artifacts/metadata"): Door(f"{TENANT}/artifacts/metadata", lists=True),
            **{
                (method, f"{T}/artifacts/download/{{coordinates}}"): Door(
                    f"{TENANT}/artifacts/download/model:org.acme:hidden:1"
                )
                for method in ("GET", "HEAD")
            },
            ("POST", f"{T}/resources/uploads"): Door(
                f"{resources}/uploads", {"json": {"name": "hidden/new", "size": 1}}
            ),
            ("GET", f"{T}/resources/uploads"): Door(f"{resources}/uploads", lists=True),
            ("GET", f"{T}/resources/uploads/{{upload_id}}"): Door(upload),
            ("PUT", f"{T}/resources/uploads/{{upload_id}}"): Door(
                upload, {"content": b"x", "headers": {"Content-Range": "bytes 0-0/2"}}
            ),
            ("POST", f"{T}/resources/uploads/{{upload_id}}/commit"): Door(f"{upload}/commit"),
            ("DELETE", f"{T}/resources/uploads/{{upload_id}}"): Door(upload),
            ("PUT", f"{R}/upload/{N}"): Door(f"{resources}/upload/hidden/a", {"content": b"x"}),
            ("POST", f"{R}/upload/{N}"): Door(f"{resources}/upload/hidden/a", {"content": b"x"}),
            ("GET", f"{R}/list"): Door(f"{resources}/list?every_version=true", lists=True),
            ("GET", f"{R}/"): Door(f"{resources}/?properties=of", lists=True),
            ("GET", f"{R}/metadata/{N}"): Door(f"{resources}/metadata/hidden/a"),
            ("GET", f"{R}/versions/{N}"): Door(f"{resources}/versions/hidden/a"),
            ("PUT", f"{R}/metadata/{N}"): Door(
                f"{resources}/metadata/hidden/a", {"json": {"properties": {"of": "hidden"}}}
            ),
            ("GET", f"{R}/download/{N}"): Door(f"{resources}/download/hidden/a"),
            ("HEAD", f"{R}/download/{N}"): Door(f"{resources}/download/hidden/a"),
            ("POST", f"{R}/copy/{N}"): Door(f"{resources}/copy/hidden/a?to=elsewhere/a"),
            ("POST", f"{R}/move/{N}"): Door(f"{resources}/move/hidden/gone?to=elsewhere/a"),
            ("DELETE", f"{R}/delete/{N}"): Door(f"{resources}/delete/hidden/gone"),
            ("PUT", f"{R}/register/{N}"): Door(f"{resources}/register/hidden/r", {"json": body}),
            ("POST", f"{R}/register/{N}"): Door(f"{resources}/register/hidden/r", {"json": body}),
            ("POST", f"{R}/fetch/{N}"): Door(f"{resources}/fetch/hidden/r", {"json": body}),
            ("GET", f"{T}/repositories/"): Door(f"{TENANT}/repositories/", lists=True),
            ("GET", f"{P}"): Door(repository),
            ("GET", f"{P}/diff"): Door(f"{repository}/diff"),
            ("GET", f"{P}/versions"): Door(version),
            ("GET", f"{P}/versions/{{number}}"): Door(f"{version}/1"),
            ("GET", f"{P}/versions/{{number}}/content"): Door(f"{version}/1/content"),
            ("GET", f"{P}/versions/{{number}}/manifest"): Door(f"{version}/1/manifest"),
            ("HEAD", f"{P}/versions/{{number}}/manifest"): Door(f"{version}/1/manifest"),
            ("PUT", f"{P}/versions/{{number}}/labels"): Door(
                f"{version}/1/labels", {"json": {"labels": {}}}
            ),
            ("POST", f"{P}/versions/{{number}}/protection"): Door(
                f"{version}/1/protection", {"json": {"reason": "kept"}}
            ),
            ("DELETE", f"{P}/versions/{{number}}/protection"): Door(f"{version}/1/protection"),
            ("DELETE", f"{P}/versions/{{number}}"): Door(f"{version}/7"),
            ("POST", f"{P}/links"): Door(f"{repository}/links", {"json": {"path": "b.txt"}}),
            ("GET", f"{T}/plans/{{plan_id}}"): Door(plan),
            ("GET", f"{T}/plans/{{plan_id}}/rows"): Door(f"{plan}/rows"),
            ("POST", f"{T}/plans/{{plan_id}}/apply"): Door(f"{plan}/apply"),
            ("GET", f"{T}/runs"): Door(f"{TENANT}/runs", lists=True),
            ("GET", f"{T}/runs/{{run_id}}"): Door(run),
            ("GET", f"{T}/runs/{{run_id}}/outcomes"): Door(f"{run}/outcomes"),
            ("GET", f"{T}/runs/{{run_id}}/explain"): Door(f"{run}/explain?path=b.txt"),
            ("GET", f"{T}/runs/{{run_id}}/failures"): Door(f"{run}/failures"),
            ("GET", f"{T}/flow-runs"): Door(f"{TENANT}/flow-runs", lists=True),
            ("GET", f"{T}/flow-runs/{{flow_run_id}}"): Door(flow),
            ("POST", f"{T}/flow-runs/{{flow_run_id}}/cancel"): Door(f"{flow}/cancel"),
            ("DELETE", f"{T}/flow-runs"): Door(f"{TENANT}/flow-runs?before=2020-01-01T00:00:00Z"),
            **{
                ("POST", f"{P}/{verb}"): Door(f"{repository}/{verb}")
                for verb in ("sync", "plan", "restore", "verify")
            },
            ("POST", f"{T}/flows/{{flow}}/runs"): Door(f"{TENANT}/flows/sync/runs"),
            ("GET", f"{B}/"): Door(f"{browse}/", lists=True),
            ("GET", f"{B}/version"): Door(f"{browse}/version?address=file:///there&number=1"),
            ("GET", f"{B}/repositories/{{name}}/"): Door(f"{browse}/repositories/there/"),
            ("GET", f"{B}/repositories/{{name}}/versions/{{number}}/"): Door(
                f"{browse}/repositories/there/versions/1/"
            ),
            ("GET", f"{B}/repositories/{{name}}/diff"): Door(f"{browse}/repositories/there/diff"),
            ("GET", f"{B}/resources"): Door(f"{browse}/resources", lists=True),
            ("GET", f"{B}/runs"): Door(f"{browse}/runs", lists=True),
            ("GET", f"{B}/runs/{{run_id}}"): Door(f"{browse}/runs/first"),
            # Beside the routers: content has routes of its own.
            ("GET", "/content/{tenant}/"): Door("/content/mytenant/", lists=True),
            ("GET", "/content/{tenant}/{repository}"): Door("/content/mytenant/there"),
            ("GET", "/content/{tenant}/{repository}/"): Door("/content/mytenant/there/"),
            ("GET", "/content/{tenant}/{repository}/{path}"): Door("/content/mytenant/there/x"),
            ("HEAD", "/content/{tenant}/{repository}/{path}"): Door("/content/mytenant/there@1/x"),
        }

    def state(self) -> list[object]:
        """Return what an admin sees of all that a door could change."""
        catalog = self.full.running.catalog
        places = ("resources/list?every_version=true", "resources/uploads", "repositories/")
        told = [self.ask((EVERYWHERE,), "GET", f"{TENANT}/{one}").json() for one in places]
        return [told, catalog.versions.all("file:///there"), catalog.runs.all()]


def metadata(name: str) -> bytes:
    """Return what a package says of itself."""
    return f"type: model\ngroup: org.acme\nartifact: {name}\nversion: '1'\n".encode()


def packed(name: str) -> bytes:
    """Return a package."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(zipfile.ZipInfo("metadata.yml"), metadata(name))  # without the time of day
    return out.getvalue()
