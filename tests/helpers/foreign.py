"""Upload clients that nobody here wrote: each in a folder of its own, at the version pinned here.

with foreign_upload("tuspy", endpoint, file) as client:
    ...
    url = client.url()
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from simulator.servers import packages

REAL = Path(__file__).parents[1] / "real"
PATIENCE = 240.0  # seconds for a whole upload on a busy machine, back-offs included


@dataclass(frozen=True)
class Kit:
    """What a client is installed from, and its command, given the folder of its packages."""

    manager: str
    packages: tuple[str, ...]
    command: Callable[[str], list[str]]


def _script(folder: str, name: str) -> str:
    return str(REAL / folder / name)


def _node(protocol: str) -> Kit:
    command = ["node", _script("node", "upload.cjs"), protocol]
    return Kit("npm", ("tus-js-client@4.3.1",), lambda _: command)


def _python(script: str, *packages: str) -> Kit:
    return Kit("pip", packages, lambda folder: [f"{folder}/bin/python", _script("python", script)])


def _java(folder: str) -> list[str]:
    return ["java", "-cp", f"{folder}/*", _script("java", "Upload.java")]


KITS = {
    "tus-js-client": _node("tus-v1"),
    "tus-js-client ietf-draft-03": _node("ietf-draft-03"),
    "tus-js-client ietf-draft-05": _node("ietf-draft-05"),
    "tuspy": _python("upload_by_tuspy.py", "tuspy==1.1.0"),
    "aiotus": _python("upload_by_aiotus.py", "aiotus==1.1.0"),
    "tus-java-client": Kit("maven", ("io.tus.java.client:tus-java-client:0.5.1",), _java),
}


def install(name: str) -> str:
    """Return the folder of the client's packages, filled unless it is."""
    kit = KITS[name]
    return packages.bring(kit.manager, name.partition(" ")[0], kit.packages, say=print)


@dataclass
class Client:
    """A client that uploads."""

    process: subprocess.Popen[str]

    def url(self) -> str:
        """Return the upload's URL once the client says that it is done; fail when it says otherwise."""
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, err or out
        return out.strip()

    def over(self) -> bool:
        """Return whether it has ended."""
        return self.process.poll() is not None


@contextmanager
def foreign_upload(name: str, endpoint: str, file: Path) -> Iterator[Client]:
    """Start the client *name* on *file*; it is ended with the block."""
    folder = install(name)
    with subprocess.Popen(
        [*KITS[name].command(folder), endpoint, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NODE_PATH": f"{folder}/node_modules"},
    ) as process:
        try:
            yield Client(process)
        finally:
            if process.poll() is None:
                process.kill()


if __name__ == "__main__":  # `make test-real`: before any test, so that none is charged with it
    for kit in sys.argv[1:] or KITS:
        install(kit)
