"""A server that somebody else runs: looked at before anything is started.

One OPTIONS (tus 1.0.x, "Core protocol", OPTIONS) tells a tus endpoint from everything else that
could answer at a mistyped URL, and shows a certificate that will not do.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import httpx

from simulator.errors import UsageError
from simulator.protocols.fields import listed
from simulator.servers.buckets import find_bucket
from simulator.servers.certificates import refusal, tls_error
from simulator.servers.loopback import refuse_remote
from simulator.servers.server import Endpoint, Target
from simulator.trust import Credentials, Trust

_TIMEOUT = 5.0
_TUS = "1.0.0"
_SHOWN = 80  # characters of a URL that a message says again
# `plain` is worded as one creation-with-upload at a tus endpoint.
_NEEDED = {"tus": "creation", "plain": "creation-with-upload"}

Headers = tuple[tuple[str, str], ...]


def external(
    url: str,
    headers: Headers = (),
    *,
    protocols: Collection[str] = ("plain", "tus"),
    allow_remote: bool = False,
    trust: Trust | None = None,
) -> Target:
    """Return the target at *url*, for those of *protocols* that shall be spoken there.

    At a tus endpoint ``plain`` is worded in tus, elsewhere it is a bare POST. For ``s3`` the URL is a
    bucket's, and the environment has the keys.
    *headers* go with every request; *trust* is whom an https target is believed, None for this machine's
    authorities. Raises ``UsageError`` when nothing answers, when what answers is not what was asked for
    or not believed, and for a host that is not this one unless *allow_remote*.
    """
    trust = trust or Trust()
    parsed = _parse(url)
    if not allow_remote:
        refuse_remote(parsed.host, "", "add --allow-remote if it is yours")
    answer = _ask(parsed, headers, trust)
    version = answer.headers.get("Server", "unknown")
    endpoints = _endpoints(str(parsed), answer, protocols)
    if "s3" in endpoints:
        endpoints["s3"] = _bucket(parsed, trust)
    return Target("external", version, endpoints, headers=headers, trust=trust)


def _bucket(url: httpx.URL, trust: Trust) -> Endpoint:
    try:
        return find_bucket(str(url), Credentials.of_environment(), trust)
    except httpx.TransportError as error:
        raise _no_answer(url.netloc.decode(), url, error) from error


def _parse(url: str) -> httpx.URL:
    example = "write it as http://127.0.0.1:8080/files/"
    try:
        parsed = httpx.URL(url)
        host = parsed.host
    except (httpx.InvalidURL, UnicodeError) as error:  # UnicodeError: a label that IDNA cannot decode
        raise UsageError(f"'{_short(url)}' is not a URL: {error}", mend=example) from error
    if parsed.scheme not in ("http", "https") or not host:
        raise UsageError(f"'{_short(url)}' is not a URL of http or https", mend=example)
    if parsed.userinfo:  # the URL is written into every report, and so is not said again
        what = "the URL holds a user name or a password"
        raise UsageError(
            what, mend="leave them out; --header 'Authorization: ...' of simsim run can say them"
        )
    for flaw, what, mend in _flaws(parsed):
        if flaw:
            raise UsageError(f"'{_short(url)}' {what}", mend=mend)
    return parsed


def _flaws(url: httpx.URL) -> tuple[tuple[bool, str, str], ...]:
    """Return what a URL may not have, each with whether *url* has it: the words, the mend."""
    zone = ":" in url.host and "%" in url.host
    return (
        (zone, "names the zone of an address", "write the address without %"),
        ("%" in url.host, "has a host that is no name", "write the host without blanks and %"),
        (
            url.port is not None and not 0 < url.port < 65536,
            f"has the port {url.port}",
            "a port from 1 to 65535",
        ),
        (bool(url.fragment), "has a fragment, which is never sent", "leave # and what follows out"),
    )


def _short(url: str) -> str:
    """Return *url* as a message may say it: without a password, and not at any length."""
    url = re.sub(r"//[^/]*@", "//...@", url)
    return url if len(url) <= _SHOWN else f"{url[:_SHOWN]}..."


def _ask(url: httpx.URL, headers: Headers, trust: Trust) -> httpx.Response:
    host = f"[{url.host}]" if ":" in url.host else url.host
    place = f"{host}:{url.port or {'http': 80, 'https': 443}[url.scheme]}"
    verify = trust.context() if url.scheme == "https" else False  # no authorities are read for nothing
    fields = [*headers, ("Tus-Resumable", _TUS)]
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, trust_env=False, verify=verify) as client,
            client.stream("OPTIONS", url, headers=fields) as answer,
        ):
            return answer  # its body, which may never end, is not read
    except httpx.TransportError as error:
        failed = tls_error(error)
        raise (refusal(place, failed, trust) if failed else _no_answer(place, url, error)) from error


def _no_answer(place: str, url: httpx.URL, error: httpx.TransportError) -> UsageError:
    if isinstance(error, httpx.ConnectError):
        return UsageError(f"{place} cannot be reached: {error}", mend="is the server running?")
    if isinstance(error, httpx.TimeoutException):
        return UsageError(f"{place} did not answer OPTIONS within {_TIMEOUT:g} s")
    mend = "write https:// if it speaks TLS" if url.scheme == "http" else ""
    return UsageError(f"{place} does not speak HTTP/1.1: {error}", mend=mend)


def _endpoints(url: str, answer: httpx.Response, protocols: Collection[str]) -> dict[str, Endpoint]:
    is_tus = "Tus-Resumable" in answer.headers or "Tus-Version" in answer.headers
    if is_tus:
        _refuse_lacking(url, answer, protocols)
    elif "tus" in protocols:
        mend = "give the whole URL of the upload endpoint, such as http://127.0.0.1:8080/files/"
        raise UsageError(f"{url} is not a tus endpoint: {_seen(answer)}", mend=mend)
    return {name: Endpoint(url, "tus" if is_tus and name == "plain" else "") for name in protocols}


def _refuse_lacking(url: str, answer: httpx.Response, protocols: Collection[str]) -> None:
    versions = listed(answer.headers.get("Tus-Version", _TUS))
    if _TUS not in versions:
        raise UsageError(f"{url} speaks tus {', '.join(versions)}, not {_TUS}")
    extensions = listed(answer.headers.get("Tus-Extension", ""))
    for protocol in protocols:
        needed = _NEEDED.get(protocol)
        if needed is not None and needed not in extensions:
            offered = ", ".join(extensions) or "no extensions"
            raise UsageError(f"{url} lacks '{needed}', which '{protocol}' needs; it offers {offered}")


def _seen(answer: httpx.Response) -> str:
    """Return what answered OPTIONS, in words."""
    kind = answer.headers.get("Content-Type", "no content type").partition(";")[0]
    server = f" from '{answer.headers['Server']}'" if "Server" in answer.headers else ""
    towards = f" to {answer.headers['Location']}" if "Location" in answer.headers else ""
    return f"OPTIONS was answered {answer.status_code}{towards} ({kind}){server} without Tus-Resumable"
