"""Makes importing Feast cheap, and silent; to be imported before it.

Feast has its own source parsed again for run-time type checks, which is two thirds of the time of
its import, in every process that needs it.
"""

from __future__ import annotations

import os

import typeguard

os.environ.setdefault("FEAST_USAGE", "False")
if os.environ.get("NBA_FEAST_TYPECHECK") != "1":
    vars(typeguard)["typechecked"] = lambda t=None, **_: t if t else (lambda inner: inner)
