"""What mkdocs calls while it builds the site: adds the pages that are made from the code."""

from __future__ import annotations

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from site_code import events_page, settings_page, sql_page
from site_fields import (
    blocks_page,
    commands_page,
    flows_page,
    gateway_page,
    providers_page,
)
from site_notebooks import NOTEBOOKS, linked, notebook_page

PAGES = {
    "settings": settings_page,
    "providers": providers_page,
    "blocks": blocks_page,
    "commands": commands_page,
    "flows": flows_page,
    "gateway": gateway_page,
    "sql": sql_page,
    "events": events_page,
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add `reference/<name>.md` for each page made from the code, and one for each notebook."""
    for name, page in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=page()))
    for path in NOTEBOOKS:
        name = f"notebooks/{path.stem}.md"
        files.append(File.generated(config, name, content=notebook_page(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - mkdocs calls it so
    """Lead links to notebooks to their pages."""
    return linked(markdown, "../notebooks/" if "/" in page.file.src_uri else "notebooks/")
