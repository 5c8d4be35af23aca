"""Shared by the import and the export of archives."""
