"""Tests in a headless Chromium: what a person sees and does in Prefect's UI."""
