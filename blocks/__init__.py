"""Blocks, which Prefect stores: repositories, contracts and webhooks.

This package re-exports its classes because `prefect block register -m blocks` looks only here.
"""

from blocks.contract import Contract
from blocks.repository import Repository
from blocks.webhook import Webhook

__all__ = ["Contract", "Repository", "Webhook"]
