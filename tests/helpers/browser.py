"""Headless Chromium with a page that uploads by tus-js-client and tells how it goes."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.helpers.sinks import wait_until

PAGE = Path(__file__).parents[1] / "real" / "page"
TUS_JS_CLIENT = "4.3.1"
PATIENCE = 240.0  # seconds for a whole upload over a slow link on a busy machine
QUIET = (  # nothing of the browser's own may be on the way while the page's requests are watched
    "--headless=new",
    "--no-sandbox",  # it refuses to run as root with one, and opens nothing but our own page
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=OptimizationHints,MediaRouter",
)


def install_tus_js_client() -> Path:
    """Return the pinned client's script for browsers, installed by npm into the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "simsim" / "node"
    folder = cache / f"tus-js-client-{TUS_JS_CLIENT}"
    script = folder / "node_modules" / "tus-js-client" / "dist" / "tus.min.js"
    if not script.exists():
        folder.mkdir(parents=True, exist_ok=True)
        options = ("--no-package-lock", "--no-audit", "--no-fund")
        package = f"tus-js-client@{TUS_JS_CLIENT}"
        subprocess.run(["npm", "install", "--prefix", str(folder), *options, package], check=True)
    return script


@dataclass
class Page:
    """The page's server: hands out the page, the client and the file, and hears what the page tells."""

    content: bytes
    script: Path
    told: list[dict[str, Any]] = field(default_factory=list)

    def last(self, what: str) -> dict[str, Any] | None:
        """Return what was told last of one sort."""
        return next((each for each in reversed(self.told) if each["what"] == what), None)

    def sent(self) -> int:
        """Return how many bytes the page has handed to the browser's sockets."""
        progress = self.last("progress")
        return progress["sent"] if progress is not None else 0

    def wait_for_share(self, share: float) -> None:
        """Wait until so much of the file was sent, or the upload is over."""
        wait_until(lambda: self.sent() >= share * len(self.content) or self.over(), PATIENCE)

    def over(self) -> bool:
        """Whether the upload came to an end."""
        return self.last("done") is not None or self.last("failed") is not None

    def done(self) -> dict[str, Any]:
        """Wait for the upload's end and return what the page told of its success."""
        wait_until(self.over, PATIENCE)
        done = self.last("done")
        assert done is not None, self.last("failed")
        return done


@contextmanager
def serving(page: Page) -> Iterator[int]:
    """Serve *page* on loopback; yield the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            files = {"/upload.html": PAGE / "upload.html", "/tus.min.js": page.script}
            path = self.path.partition("?")[0]
            content = page.content if path == "/file" else files[path].read_bytes() if path in files else b""
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", "text/html" if path.endswith("html") else "text/javascript")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            page.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def uploading(page: Page, endpoint: str, folder: Path, proxy: str = "", *more: str) -> Iterator[None]:
    """Open *page* in Chromium, whose requests to anything but the page's own server go to *proxy*."""
    with serving(page) as port:
        url = f"http://127.0.0.1:{port}/upload.html?{urlencode({'endpoint': endpoint})}"
        way = (
            [f"--proxy-server={proxy}", f"--proxy-bypass-list=<-loopback>;127.0.0.1:{port}"] if proxy else []
        )
        with running([*QUIET, f"--user-data-dir={folder}", *way, *more, url], folder.with_suffix(".log")):
            yield


@contextmanager
def running(words: Sequence[str], log: Path) -> Iterator[None]:
    """Run Chromium; at the end all its processes are ended."""
    program = shutil.which("chromium")
    assert program is not None, "Chromium is missing: apt-get install chromium"
    with log.open("w") as out:
        process = subprocess.Popen([program, *words], stdout=out, stderr=out, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # not yet reaped, so the group is still its own
        process.wait()
