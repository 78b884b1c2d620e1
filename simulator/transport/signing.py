"""Signs requests as S3 wants them (AWS Signature Version 4), by botocore, at the instant of sending.

Signed are the host, the target and the fields that are S3's own; a hop may take any other field out. The
content is not: hashing it first would cost a pass over every part, and TLS or the ETag vouch for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from botocore.auth import UNSIGNED_PAYLOAD, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from simulator.trust import Credentials

Headers = tuple[tuple[str, str], ...]
Sign = Callable[[str, str, Iterable[tuple[str, str]]], Headers]


class _Unsigned(S3SigV4Auth):  # type: ignore[misc]  # botocore has no types
    def payload(self, request: Any) -> str:  # noqa: ARG002  # botocore's signature
        return str(UNSIGNED_PAYLOAD)


def sign(method: str, url: str, headers: Iterable[tuple[str, str]], credentials: Credentials) -> Headers:
    """Return *headers* with those that sign a request for *url* (absolute), valid for 15 minutes from now."""
    headers = tuple(headers)
    own = {name: value for name, value in headers if name.lower().startswith("x-amz-")}
    request = AWSRequest(method, url, headers=own)
    keys = ReadOnlyCredentials(credentials.access_key, credentials.secret_key, credentials.token or None)
    _Unsigned(keys, "s3", credentials.region).add_auth(request)
    signed = {name: value for name, value in request.headers.items() if name not in own}
    return (*headers, *signed.items())


def signer(credentials: Credentials) -> Sign:
    """Return what signs with *credentials*: given a method, a URL and headers, the headers to send."""
    return lambda method, url, headers: sign(method, url, headers, credentials)
