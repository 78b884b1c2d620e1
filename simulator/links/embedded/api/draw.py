"""``python -m simulator.links.embedded.api.draw``: draws one timeline, in a process of its own.

Drawing imports numpy and pydantic and computes for a while, so it stays out of the loop's process.
stdin has JSON (profile, seed, user); stdout gets JSON, either the drawing or ``refused``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import simulator
from simulator.errors import UsageError
from simulator.links.embedded.api.refusals import Refusal

if TYPE_CHECKING:
    from simulator.weather import Profile

PATIENCE = 25.0  # seconds: as long as toxiproxy gives an answer
_WHERE = "profile"


def draw_apart(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the drawing of what is *asked*, made by a child process. Raises ``Refusal``."""
    home = str(Path(simulator.__file__).parents[1])
    path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    try:
        told = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=True,
            env={**os.environ, "PYTHONPATH": path},
        )
    except subprocess.TimeoutExpired:
        raise Refusal(f"the timeline was not drawn within {PATIENCE:.0f} s", 500) from None
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise Refusal(f"the timeline was not drawn: {last or 'the child process died'}", 500) from None
    drawn: dict[str, Any] = json.loads(told.stdout)
    if "refused" in drawn:
        raise Refusal(drawn["refused"], 400)
    return drawn


def main() -> None:
    """Draw what stdin asks for."""
    asked = json.load(sys.stdin)
    try:
        drawn = _draw(_profile(asked["profile"]), asked["seed"], asked["user"])
    except UsageError as error:
        drawn = {"refused": str(error)}
    json.dump(drawn, sys.stdout)


def _draw(profile: Profile, seed: int, user: int) -> dict[str, Any]:
    from simulator.weather import draw

    timeline = draw(profile, seed, user)
    return {
        "profile": profile.name,
        "horizon": timeline.horizon,
        "digest": timeline.digest(),
        "timeline": timeline.to_dict(),
    }


def _profile(text: str) -> Profile:
    """Return a shipped profile by its name, or the one that is written out; a path is neither."""
    from simulator.errors import did_you_mean
    from simulator.weather import Profile, load_profile, profile_names

    if text in profile_names():
        return load_profile(text)
    if "=" not in text and "\n" not in text:
        mend = did_you_mean(text, profile_names())
        raise UsageError(f"unknown profile '{text[:80]}'", where=_WHERE, mend=mend)
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"is not TOML: {error}", where=_WHERE) from None
    return Profile.from_dict({"name": "written-out", **data}, where=_WHERE)


if __name__ == "__main__":
    main()
