"""Profile files: the shipped ones by name, any other by its path."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from simulator.errors import UsageError, did_you_mean
from simulator.weather.profile import Profile
from simulator.weather.toml import parse_toml


def profile_names() -> list[str]:
    """Return the names of the shipped profiles, sorted."""
    return sorted(Path(item.name).stem for item in _shipped().iterdir() if item.name.endswith(".toml"))


def load_profile(name_or_path: str) -> Profile:
    """Return a shipped profile by name, or the one in a file: a word with ``/`` or ending in ``.toml``.

    Raises ``UsageError`` in one line: what is wrong, the file and key, and the mend.
    """
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        return _parsed(Path(name_or_path), name_or_path)
    if name_or_path not in profile_names():
        raise UsageError(
            f"unknown profile '{name_or_path}'", mend=did_you_mean(name_or_path, profile_names())
        )
    return _parsed(_shipped() / f"{name_or_path}.toml", f"{name_or_path}.toml")


def _shipped() -> Traversable:
    """Return the folder of shipped profiles: inside the wheel, or beside the package in a checkout."""
    inside = resources.files("simulator") / "profiles"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "profiles"


def _parsed(file: Traversable, where: str) -> Profile:
    data = _toml(file, where)
    return Profile.from_dict({"name": Path(where).stem, **data}, where=where)


def _toml(file: Traversable, where: str) -> dict[str, Any]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=where) from None
    return parse_toml(data, where, "profile")
