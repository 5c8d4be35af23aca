"""Blocks, which Prefect stores: repositories, contracts and webhooks.

This package re-exports its classes because `prefect block register -m blocks` looks only here.
"""

from blocks.prefect_loading import load_prefect

load_prefect()

from blocks.contract import Contract  # noqa: E402 - after Prefect is loaded
from blocks.repository import Repository  # noqa: E402 - the same
from blocks.webhook import Webhook  # noqa: E402 - the same

__all__ = ["Contract", "Repository", "Webhook"]
