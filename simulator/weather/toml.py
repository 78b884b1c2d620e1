"""TOML text becomes a table, or one line that says why not; the same words for all files of people."""

from __future__ import annotations

import tomllib
from typing import Any

from simulator.errors import UsageError


def parse_toml(data: bytes | str, where: str, kind: str) -> dict[str, Any]:
    """Return the table in *data*, which is to be a *kind*. Raises ``UsageError``; *where* names the file."""
    try:
        return tomllib.loads(data if isinstance(data, str) else data.decode())
    except UnicodeDecodeError as error:
        raise UsageError(f"is not UTF-8 text (byte {error.start})", where=where) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"is not TOML: {error}", where=where, mend="see toml.io for the grammar") from None
    except RecursionError:
        raise UsageError(f"nests too deep to be a {kind}", where=where) from None
