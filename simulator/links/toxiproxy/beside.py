"""What toxiproxy-python 0.1.1 lacks, line by line; everything else goes through it.

its lack                                              here
------------------------------------------------      ---------------------------------------------
no call ever gives up                                 ``Patient``: a time-out for each
a connection for each call                            ``Patient``, ``Lines``: kept alive
an answer of 500 passes for success                   ``Patient`` raises ``ApiFailed``
HTTP_PROXY of the environment is obeyed               ``Patient`` and ``Lines`` do not look
no update of a toxic                                  ``Lines.update``
``populate`` is one ``create`` a proxy, and each      ``Lines.populate``: one call for all
  ``create`` reads the list of all proxies first
one call at a time                                    ``Lines``: many, from one loop, which also says
                                                        when each was issued and acknowledged
one server for the process (its consumer is a         none needed: an engine's process has one server
  class with a host and a port)
IPv4 alone (``running``, and so ``version``)          none: an address of IPv6 is refused (server.py)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

import h11
import requests
import toxiproxy
import toxiproxy.api
import toxiproxy.exceptions
from requests.adapters import HTTPAdapter

TIMEOUT = 10.0  # seconds for one call; toxiproxy answers within milliseconds, or not at all
LINES = 256  # connections that calls share: as many as may fall due at one instant
POOL = 16  # connections that the library's calls share
KEPT = 50.0  # seconds: toxiproxy ends a connection that is idle for 60

T = TypeVar("T")

_LIBRARYS = (
    toxiproxy.exceptions.ProxyExists,
    toxiproxy.exceptions.NotFound,
    toxiproxy.exceptions.InvalidToxic,
    requests.RequestException,
    OSError,
)


class ApiFailed(Exception):
    """A call was not answered as it should be: the message says which, and how."""


class Hung(ApiFailed):
    """A call was not answered in time, and so no other will be."""


class Patient(requests.Session):
    """What the library takes for the module ``requests``: its calls end, and keep their connections."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.mount("http://", HTTPAdapter(pool_maxsize=POOL, max_retries=1))

    def request(self, method: str, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Do as ``requests.Session``. Raises ``ApiFailed`` for an answer of 500 and above."""
        answer = super().request(method, url, *args, **{"timeout": TIMEOUT, **kwargs})
        if answer.status_code >= 500:
            raise ApiFailed(f"answered {answer.status_code}: {answer.text.strip()}")
        return answer


def library_for(host: str, port: int) -> toxiproxy.Toxiproxy:
    """Return the library's server object, speaking patiently to *host* and *port* from now on."""
    toxiproxy.api.requests = Patient()  # the only way in: its functions take no session
    server = toxiproxy.Toxiproxy()
    server.update_api_consumer(host, port)
    return server


def by_library(call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Return what the library's *call* gives. Raises ``ApiFailed``, naming the call, for all its errors."""
    try:
        return call(*args, **kwargs)
    except requests.ReadTimeout as error:
        raise Hung(f"{call.__name__} was not answered within {TIMEOUT:g} s") from error
    except (ApiFailed, *_LIBRARYS) as error:
        raise ApiFailed(f"{call.__name__} {said(args, kwargs)}: {error}") from error


def said(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Return the arguments of a call in words."""
    return ", ".join([*map(str, args), *(f"{name} {value}" for name, value in kwargs.items())])


@dataclass(frozen=True)
class Acknowledged:
    """One answered call: when it was issued and when its answer was there, and what that said."""

    issued: float
    done: float
    body: Any


class Lines:
    """Connections to one server's API that are kept alive and used by many calls at once."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._idle: list[_Line] = []
        self._room = asyncio.Semaphore(LINES)

    async def update(self, proxy: str, toxic: str, *steps: Mapping[str, int]) -> Acknowledged:
        """Set attributes of a toxic. POST does so everywhere, PATCH only from v2.6.0 on.

        Of several *steps* the server does each as soon as it has done the one before: all are sent at
        once (RFC 9112, section 9.3.2), and nothing on our side can come in between.
        """
        return await self._post(f"/proxies/{proxy}/toxics/{toxic}", *({"attributes": step} for step in steps))

    async def populate(self, proxies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Create *proxies* and return what the server says of each."""
        return list((await self._post("/populate", proxies)).body["proxies"])

    def close(self) -> None:
        """End the connections that are idle."""
        for line in self._idle:
            line.close()

    async def _post(self, target: str, *bodies: Any) -> Acknowledged:
        """Raises ``ApiFailed`` when there is no answer in time, or another than success."""
        try:
            async with asyncio.timeout(TIMEOUT), self._room:
                status, told = await self._converse(target, [json.dumps(body).encode() for body in bodies])
        except TimeoutError as error:
            raise Hung(f"POST {target} was not answered within {TIMEOUT:g} s") from error
        except (OSError, h11.RemoteProtocolError) as error:
            raise ApiFailed(f"POST {target}: {error or type(error).__name__}") from error
        if status >= 300:
            raise ApiFailed(f"POST {target} was answered {status}: {told.body!r}")
        return told

    async def _converse(self, target: str, bodies: list[bytes]) -> tuple[int, Acknowledged]:
        line = self._kept()
        if line is not None:
            try:
                return await self._ask(line, target, bodies)
            except (OSError, h11.RemoteProtocolError):
                pass  # it ended while it was idle; every call here may be made twice
        return await self._ask(await _Line.dial(self._host, self._port), target, bodies)

    async def _ask(self, line: _Line, target: str, bodies: list[bytes]) -> tuple[int, Acknowledged]:
        try:
            answer = await line.post(target, bodies)
        except BaseException:
            line.close()
            raise
        if line.reusable:
            self._idle.append(line)
        else:
            line.close()
        return answer

    def _kept(self) -> _Line | None:
        while self._idle:
            line = self._idle.pop()
            if line.fresh:
                return line
            line.close()
        return None


class _Line:
    """One connection to the API."""

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer
        self._used = monotonic()
        self.reusable = True  # whether another call may follow

    @classmethod
    async def dial(cls, host: str, port: int) -> _Line:
        """Return a new connection."""
        return cls(f"{host}:{port}", *await asyncio.open_connection(host, port))

    @property
    def fresh(self) -> bool:
        """Whether the server has not ended it, and is not about to."""
        return not self._reader.at_eof() and monotonic() - self._used < KEPT

    def close(self) -> None:
        """End it."""
        self._writer.close()

    async def post(self, target: str, bodies: list[bytes]) -> tuple[int, Acknowledged]:
        """Send *bodies*, one after another, in one piece; return the worst status, and the last answer."""
        calls = [h11.Connection(h11.CLIENT) for _ in bodies]
        sent = b"".join(self._request(*call, target) for call in zip(calls, bodies, strict=True))
        issued, worst, body, rest = monotonic(), 0, b"", b""
        self._writer.write(sent)
        for call in calls:
            if rest:
                call.receive_data(rest)
            status, body = await self._answer(call)
            worst, rest = max(worst, status), call.trailing_data[0]
        self._used = monotonic()
        self.reusable = calls[-1].their_state is h11.DONE
        return worst, Acknowledged(issued, self._used, _read(body))

    def _request(self, call: h11.Connection, body: bytes, target: str) -> bytes:
        head = [
            ("Host", self._host),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
        ]
        request = h11.Request(method="POST", target=target, headers=head)
        return b"".join(
            call.send(event) or b"" for event in (request, h11.Data(data=body), h11.EndOfMessage())
        )

    async def _answer(self, call: h11.Connection) -> tuple[int, bytes]:
        status, body = 0, bytearray()
        while True:
            event = call.next_event()
            if event is h11.NEED_DATA:
                call.receive_data(await self._reader.read(65536))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return status, bytes(body)
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("the connection ended before the answer")


def _read(answer: bytes) -> Any:
    """Return the answer's JSON, or what else it says."""
    try:
        return json.loads(answer)
    except ValueError:
        return answer.decode(errors="replace")
