"""A small server that can be told to misbehave, run as a script; and the catalog file that starts it.

    python storeserver.py MODE PORT FOLDER

It gives back the files of FOLDER at /files/NAME, and answers HEAD as a tus server does. MODE is one
of ``good``; ``deaf`` (ignores SIGTERM); ``dies`` (before it is ready); ``mute`` (never says that it
is ready); ``taken`` (fails as if its port were taken); ``parent`` (starts a process of its own that
ignores SIGTERM); ``noget`` (answers GET with 405); ``hangs`` (never answers GET); ``trickles``
(answers GET byte by byte, without an end); ``dribbles`` (the same with a head that has no end).
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ENTRY = """
name = "small"
command = ["{{python}}", "{script}", "{mode}", "{{port}}", "{{dir}}"]
ready = {ready}
version = {{ command = ["{{python}}", "--version"], pattern = 'Python (\\S+)' }}
speaks.tus = {{ path = "/files/" }}
speaks.plain = {{ path = "/files/", framing = "tus" }}
store = {{ path = "{{dir}}/{{id}}", side_files = [".info"] }}
"""
BY_LINE = r"{ line = 'ready on port (?P<port>\d+)', timeout_s = 30 }"
BY_HTTP = '{ http = "/", timeout_s = 30 }'
SOON = r"{ line = 'ready on port (?P<port>\d+)', timeout_s = 0.3 }"


def entry(folder: Path, mode: str = "good", ready: str = BY_LINE) -> str:
    """Write a catalog file that starts this server in *mode*; return its path."""
    path = folder / "small.toml"
    path.write_text(ENTRY.format(script=__file__, mode=mode, ready=ready))
    return str(path)


TRICKLES = {  # what comes first, and what comes again and again
    "trickles": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"x"),
    "dribbles": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, mode: str, folder: Path, *rest: object) -> None:
        self.mode, self.folder = mode, folder
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if self.mode == "hangs":
            time.sleep(60)
        if self.mode in TRICKLES:
            self._trickle(*TRICKLES[self.mode])
        else:
            self._answer(405 if self.mode == "noget" else None)

    def _trickle(self, begin: bytes, again: bytes) -> None:
        self.close_connection = True
        try:
            self.wfile.write(begin)
            while True:
                self.wfile.write(again)
                time.sleep(0.02)
        except OSError:
            pass  # the client gave up, as it should

    def do_HEAD(self) -> None:
        self._answer(None)

    def _answer(self, status: int | None) -> None:
        path = self.folder / self.path.rpartition("/")[2]
        body = path.read_bytes() if path.is_file() else b""
        self.send_response(status or (200 if path.is_file() else 404))
        self.send_header("Tus-Resumable", "1.0.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        sys.stderr.write(f"{format % values}\n")


def main(mode: str, port: int, folder: Path) -> None:
    if mode == "dies":
        sys.exit("no heart to go on")
    if mode == "taken":
        sys.exit(f"listen tcp 127.0.0.1:{port}: bind: address already in use")
    if mode == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if mode == "parent":
        code = (
            "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
        )
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        sys.stdout.write(f"child {child.pid}\n")
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, mode, folder))
    if mode != "mute":
        sys.stdout.write(f"ready on port {server.server_port}\n")
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
