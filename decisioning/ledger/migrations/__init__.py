"""The revisions of the ledger's tables, oldest first; Alembic runs what is missing."""

HEAD = "0003"
"""The newest revision: what this version of the product works with."""
