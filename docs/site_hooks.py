"""What mkdocs calls while it builds the site: adds the pages that are made from the code."""

from __future__ import annotations

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from site_code import events_page, settings_page, sql_page
from site_fields import blocks_page, commands_page, flows_page, providers_page

PAGES = {
    "settings": settings_page,
    "providers": providers_page,
    "blocks": blocks_page,
    "commands": commands_page,
    "flows": flows_page,
    "sql": sql_page,
    "events": events_page,
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add `reference/<name>.md` for each page that is made from the code."""
    for name, page in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=page()))
    return files
