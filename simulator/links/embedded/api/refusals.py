"""Refusals, with the status and the words that toxiproxy's clients know."""

from __future__ import annotations

from typing import Any

INTERNAL = 500


class Refusal(Exception):
    """A request that is refused: an HTTP status and the text of ``error``."""

    def __init__(self, message: str, status: int = INTERNAL) -> None:
        super().__init__(message)
        self.message, self.status = message, status

    def shown(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"error": self.message, "status": self.status}


def bad_body(why: str) -> Refusal:
    """Return the refusal of a body that cannot be used."""
    return Refusal(f"bad request body: {why}", 400)


def missing(field: str) -> Refusal:
    """Return the refusal of a body that lacks *field*."""
    return Refusal(f"missing required field: {field}", 400)


def no_proxy() -> Refusal:
    """Return the refusal of a name that no proxy has."""
    return Refusal("proxy not found", 404)


def no_toxic() -> Refusal:
    """Return the refusal of a name that no toxic has."""
    return Refusal("toxic not found", 404)
