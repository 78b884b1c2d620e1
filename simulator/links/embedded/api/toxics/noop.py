"""``noop``: nothing."""

from __future__ import annotations

from simulator.links.embedded.api.toxics.kind import Kind

KIND = Kind("noop", ())
