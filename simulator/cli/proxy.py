"""``simsim proxy``: links under a profile for people's own clients, until somebody ends them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from simulator.cli.linksession import Teller
    from simulator.links.engine import Address, LinkSpec
    from simulator.weather import Timeline

HOUR = 3600.0  # seconds of weather drawn when nobody says how long; then it begins again
MARGIN = 60.0  # seconds drawn beyond what --for says, so that it never ends before
LOOPBACK = "127.0.0.1"
MOST_LINKS = 100


def _option(words: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=words, **more)


Profile = Annotated[str, typer.Argument(help="A shipped profile, or the path of a TOML file.")]
Upstream = Annotated[
    str | None, _option("HOST:PORT of the server; without it clients name theirs, as to a proxy.")
]
Listen = Annotated[str | None, _option("HOST:PORT to dial, on loopback; 0 for a free port.")]
Port = Annotated[int | None, _option("Port to dial, and the next ones for more links.", min=0, max=65535)]
Bind = Annotated[str | None, _option("Address to listen on beyond loopback, such as 0.0.0.0.")]
Links = Annotated[int, _option("Links, each with a port and a user's weather.", min=1, max=MOST_LINKS)]
Seed = Annotated[int, _option("Of the weather; the same seed, the same links.")]
User = Annotated[int, _option("Whose weather the first link has.", min=0)]
For = Annotated[str | None, _option("End after so long, such as '10 min'.", "--for")]
AllowRemote = Annotated[bool, _option("Let the links lead to other machines.", "--allow-remote")]


def proxy(
    profile: Profile,
    upstream: Upstream = None,
    listen: Listen = None,
    port: Port = None,
    bind: Bind = None,
    links: Links = 1,
    seed: Seed = 1,
    user: User = 0,
    for_: For = None,
    allow_remote: AllowRemote = False,
) -> int:
    """Put a link under a profile between your own client and its server, until q or Ctrl-C.

    With --upstream every connection goes there, https included. Without it the address is an HTTP proxy
    (CONNECT and plain requests) and a SOCKS5 proxy. The weather begins at once. An hour of it is drawn,
    or as much as --for needs; an hour that is over begins again from its start.
    """
    seconds = _seconds(for_)
    server = None if upstream is None else _upstream(upstream, allow_remote)
    first = _listen(listen, port, bind, links)
    _refuse_loop(server, first, links)
    specs = [
        _spec(str(n + 1), timeline, server, (first[0], first[1] and first[1] + n), allow_remote)
        for n, timeline in enumerate(_timelines(profile, seed, user, links, seconds))
    ]
    _serve(specs, seconds, f"{profile}, seed {seed}")
    return 0


def _serve(specs: list[LinkSpec], seconds: float | None, what: str) -> None:
    from simulator.cli.keys import Keyboard
    from simulator.cli.linksession import LinkSession
    from simulator.links.embedded import EmbeddedEngine

    with EmbeddedEngine() as engine:
        session = LinkSession(engine, specs, seconds)
        session.start()
        with Keyboard() as keyboard, _teller(keyboard, len(specs)) as teller:
            _note(_words(specs, what))
            try:
                session.run(keyboard, teller)
            except KeyboardInterrupt:  # the ordinary end
                pass
            total = session.close(teller)
    _note(total)


def _teller(keyboard: Any, links: int) -> Teller:
    """Return the picture for a terminal, loaded only there, or lines for anything else."""
    from simulator.cli.linksession import PlainTeller, help_line

    help_ = help_line(links)
    if not sys.stderr.isatty():
        return PlainTeller()
    from simulator.cli.linkview import LinkView

    return LinkView(help_ if keyboard.single else "Ctrl-C ends it")


def _timelines(name: str, seed: int, user: int, links: int, seconds: float | None) -> list[Timeline]:
    from simulator.weather import draw, load_profile

    profile = load_profile(name)
    horizon = HOUR if seconds is None else seconds + MARGIN
    return [draw(profile, seed, user + n, horizon=horizon) for n in range(links)]


def _spec(
    name: str, timeline: Timeline, server: Address | None, listen: Address, allow_remote: bool
) -> LinkSpec:
    from simulator.links.engine import LinkSpec

    return LinkSpec(name, name, timeline, server, listen, allow_remote=allow_remote)


def _seconds(text: str | None) -> float | None:
    from simulator.cli import options
    from simulator.errors import UsageError

    seconds = options.duration(text, "--for")
    if seconds is not None and not 0 < seconds <= 24 * HOUR:
        raise UsageError(f"'{text}' is not above zero and at most 24 h", where="--for")
    return seconds


def _upstream(text: str, allow_remote: bool) -> Address:
    """Return what --upstream says, having looked whether it is on this machine."""
    from simulator.cli import options
    from simulator.errors import UsageError
    from simulator.links.addresses import is_loopback

    address = _parsed(text, "--upstream", 1)
    remote = [host for host, _ in options.numbers(address[0], "--upstream") if not is_loopback(host)]
    if remote and not allow_remote:
        mend = "add --allow-remote if it is yours"
        raise UsageError(f"'{address[0]}' is another machine ({remote[0]})", where="--upstream", mend=mend)
    return address


def _listen(listen: str | None, port: int | None, bind: str | None, links: int) -> Address:
    """Return the number to listen on and the first link's port, 0 for free ones."""
    from simulator.cli import options
    from simulator.errors import UsageError
    from simulator.links.addresses import is_loopback

    if listen is not None and (port is not None or bind is not None):
        raise UsageError("says the same as --bind and --port", where="--listen", mend="give one of the two")
    host, number = _parsed(listen, "--listen", 0) if listen is not None else (bind or LOOPBACK, port or 0)
    option = "--listen" if listen is not None else "--bind"
    address = options.numbers(host, option)[0][0]
    if bind is None and not is_loopback(address):
        mend = f"if others shall dial it: --bind {host} --port {number}"
        raise UsageError(f"'{host}' is not loopback", where="--listen", mend=mend)
    if number and number + links > 65536:
        raise UsageError(f"{links} links have no room from port {number} on", where="--links")
    return address, number


def _parsed(text: str, option: str, least: int) -> Address:
    from simulator.errors import UsageError
    from simulator.links.addresses import parse_address

    if "://" in text:
        raise UsageError(f"'{text}' is a URL", where=option, mend="give its HOST:PORT alone")
    try:
        return parse_address(text, least=least)
    except ValueError as error:
        raise UsageError(f"'{text}' {error}", where=option) from error


def _refuse_loop(server: Address | None, first: Address, links: int) -> None:
    """Refuse a link that leads to itself or to another of the same command."""
    from simulator.cli import options
    from simulator.errors import UsageError
    from simulator.links.addresses import address_text, is_any

    if server is None or not first[1] <= server[1] < first[1] + links:
        return
    hosts = {host for host, _ in options.numbers(server[0], "--upstream")}
    if first[0] in hosts or is_any(first[0]):
        raise UsageError(f"{address_text(server)} is where the links listen", where="--upstream")


def _words(specs: list[LinkSpec], what: str) -> str:
    from simulator.links.addresses import address_text, is_loopback

    server = specs[0].upstream
    leads = address_text(server) if server is not None else "where the client says (HTTP or SOCKS5 proxy)"
    open_ = "" if is_loopback(specs[0].listen[0]) else "; whoever reaches this machine can use it"
    return f"{what}: leads to {leads}{open_}"


def _note(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
