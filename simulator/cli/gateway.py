"""``simsim gateway``: the HTTP-aware hop alone, before a server of your own, for clients of your own."""

from __future__ import annotations

import json as json_
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from simulator.weather.hops import Step

LOOK_EVERY = 0.1  # seconds between looks at the hop's health
BUFFER = "64 KiB"

Script = Annotated[Path, typer.Argument(help="A script: a TOML file with [[step]] tables.", metavar="SCRIPT")]
Upstream = Annotated[str, typer.Option(help="URL of the server, such as http://127.0.0.1:1080.")]
Listen = Annotated[str, typer.Option(help="HOST:PORT; port 0 for any that is free.")]
Buffer = Annotated[str, typer.Option(help="Of each socket: how much the hop may hold follows from it.")]
AllowRemote = Annotated[
    bool, typer.Option("--allow-remote", help="Let --upstream and --listen leave this machine.")
]
Json = Annotated[bool, typer.Option("--json", help="Print each firing as JSON.")]


def gateway(
    script: Script,
    upstream: Upstream,
    listen: Listen = "127.0.0.1:0",
    buffer: Buffer = BUFFER,
    allow_remote: AllowRemote = False,
    json: Json = False,
) -> int:
    """Stand before a server and do to requests what SCRIPT says, until Ctrl-C; print each firing."""
    from simulator.cli import options
    from simulator.errors import UsageError
    from simulator.links import gateway_allowance
    from simulator.links.addresses import address_text
    from simulator.links.gateway.process import Gateway, Route
    from simulator.links.gateway.script import load_script
    from simulator.servers.loopback import refuse_remote
    from simulator.units import format_size

    steps = load_script(script)
    route = Route(steps, _upstream(upstream), options.place(listen, "--listen"))
    if not allow_remote:
        refuse_remote(route.upstream[0], "--upstream", "add --allow-remote if the server is yours")
        refuse_remote(route.listen[0], "--listen", "add --allow-remote if other machines may use the hop")
    size = options.size(buffer, "--buffer") or 0
    if not 4096 <= size <= 1 << 20:
        raise UsageError(f"'{buffer}' is out of reach", where="--buffer", mend="from 4 KiB to 1 MiB")
    fired: Counter[str] = Counter()
    begun = time.monotonic()

    def take(firing: Mapping[str, Any]) -> None:
        fired[firing["step"]] += 1
        seconds = firing["t"] - begun
        print(json_.dumps({**firing, "t": seconds}) if json else _line(firing, seconds), flush=True)

    with tempfile.TemporaryDirectory(prefix="simsim-gateway-") as folder:
        hop = Gateway([route], buffer=size, log=Path(folder) / "gateway.log", sink=take)
        try:
            where = f"http://{address_text((route.listen[0], hop.ports[0]))} -> {upstream}"
            typer.echo(
                f"listening on {where}, holds at most {format_size(gateway_allowance(size))}", err=True
            )
            while True:
                hop.check()
                time.sleep(LOOK_EVERY)
        except KeyboardInterrupt:
            pass
        finally:
            hop.close()
    _sum_up(steps, fired)
    return 0


def _line(firing: Mapping[str, Any], seconds: float) -> str:
    who = firing["step"] or "(no step)"
    what = f"{firing['method']} {firing['target']}".strip()
    return f"{seconds:8.3f} s  {who}  {firing['action']}  {what}  after {firing['body']} B of its body"


def _sum_up(steps: Sequence[Step], fired: Mapping[str, int]) -> None:
    from simulator.weather.hops import describe

    for step in steps:
        times = fired.get(step.id, 0)
        said = f"fired {times} ×" if times else "NEVER FIRED: what it stands for is untested"
        typer.echo(f"{step.id} ({describe(step)}): {said}", err=True)


def _upstream(url: str) -> tuple[str, int]:
    """Return the server's address. Raises ``UsageError``."""
    from urllib.parse import urlsplit

    from simulator.cli import options
    from simulator.errors import UsageError

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"'{url}' is not a URL: {error}", where="--upstream") from error
    if parts.scheme == "https":
        raise UsageError(
            "the hop reads what passes, and cannot read TLS", where="--upstream", mend="name http://"
        )
    if parts.scheme != "http" or not host:
        raise UsageError(f"'{url}' is not a URL", where="--upstream", mend="such as http://127.0.0.1:1080")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        mend = f"the client's path passes as it is: http://{parts.netloc}"
        raise UsageError(f"'{url}' names more than a server", where="--upstream", mend=mend)
    return options.numeric(host, "--upstream"), 80 if port is None else port
