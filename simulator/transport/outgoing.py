"""The request as a row of pieces for the socket, and h11 kept truthful about it.

A fixed length is told to h11 once, after the body's last byte, and the body goes past h11: that
saves a pass over every piece. A body of unknown length goes through h11, which frames the chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import h11
import httpx

Piece = tuple[bytes, bool]  # the bytes, and whether they are body


class _Extent:
    """Stands for bytes that went out already: h11 wants only their length (its "Support for sendfile()")."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length


def outgoing(connection: h11.Connection, request: httpx.Request) -> Iterator[Piece]:
    """Yield the head and the body of *request*, no piece empty. Exhausted, it has ended the message in h11.

    Raises ``h11.LocalProtocolError`` when *request* is not HTTP/1.1, or its body not of its length.
    """
    headers = request.headers
    yield (
        connection.send(
            h11.Request(
                method=request.method.encode("ascii"),
                target=request.extensions.get("target", request.url.raw_path),
                headers=request.headers.raw,
            )
        ),
        False,
    )
    stream = cast(Iterable[bytes], request.stream)
    if "transfer-encoding" in headers:
        yield from _framed(connection, stream)
    else:
        yield from _fixed(connection, stream, int(headers.get("content-length", "0")))


def _fixed(connection: h11.Connection, stream: Iterable[bytes], length: int) -> Iterator[Piece]:
    left = length
    for data in stream:
        left -= len(data)
        if left < 0:
            raise h11.LocalProtocolError("Too much data for declared Content-Length")
        if data:
            yield data, True
    connection.send_with_data_passthrough(h11.Data(data=cast(bytes, _Extent(length - left))))
    connection.send(h11.EndOfMessage())


def _framed(connection: h11.Connection, stream: Iterable[bytes]) -> Iterator[Piece]:
    for data in stream:
        for part in connection.send_with_data_passthrough(h11.Data(data=data)) or ():
            yield part, part is data
    end = connection.send(h11.EndOfMessage())
    if end:
        yield end, False
