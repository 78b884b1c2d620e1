"""Buckets of S3: made at a server that we start, looked for at one that somebody else runs."""

from __future__ import annotations

import httpx

from simulator.errors import PartDied, UsageError
from simulator.servers.server import Endpoint
from simulator.trust import Credentials, Trust

_TIMEOUT = 10.0
_SEEN = {
    301: "it is in another region",
    307: "it is in another region",
    400: "the keys are of another region, or not well formed",
    403: "the keys are refused",
    404: "there is no such bucket",
}


def make_bucket(endpoint: Endpoint) -> None:
    """Make the bucket at *endpoint* (CreateBucket). Raises ``PartDied`` when the server does not."""
    try:
        status = _asked("PUT", endpoint, Trust())
    except httpx.TransportError as error:
        raise PartDied(f"the server did not make its bucket: {error}", where=endpoint.url) from error
    if status not in (200, 409):  # 409: it is there
        raise PartDied(f"the server did not make its bucket: {status}", where=endpoint.url)


def find_bucket(url: str, credentials: Credentials, trust: Trust) -> Endpoint:
    """Return the bucket at *url* (path style: http://HOST/BUCKET), asked for by HeadBucket.

    Raises ``UsageError`` when it is not there, or *credentials* (``Credentials.of_environment``) do not
    open it, and ``httpx.TransportError`` when nothing answers.
    """
    path = httpx.URL(url).path.strip("/")
    if not path or httpx.URL(url).query:
        mend = "write it as http://127.0.0.1:9000/BUCKET"
        raise UsageError("the URL names no bucket", where=url, mend=mend)
    endpoint = Endpoint(url, credentials=credentials)
    status = _asked("HEAD", endpoint, trust)
    if status != 200:
        seen = _SEEN.get(status, "it speaks no S3")
        mend = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION sign the requests"
        raise UsageError(f"HEAD of the bucket is answered {status}: {seen}", where=url, mend=mend)
    return endpoint


def _asked(method: str, endpoint: Endpoint, trust: Trust) -> int:
    """Return the status that *method* of the bucket is answered with."""
    from simulator.transport.signing import sign  # botocore takes its time, and few servers need it

    url = endpoint.url.rstrip("/")
    assert endpoint.credentials is not None
    headers = list(sign(method, url, (), endpoint.credentials))
    verify = trust.context() if url.startswith("https:") else False
    with httpx.Client(timeout=_TIMEOUT, trust_env=False, verify=verify) as client:
        return client.request(method, url, headers=headers).status_code
