"""A server that somebody else runs: looked at before anything is started.

One OPTIONS (tus 1.0.x, "Core protocol", OPTIONS) tells a tus endpoint from everything else that
could answer at a mistyped URL.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import httpx

from simulator.errors import UsageError
from simulator.servers.loopback import refuse_remote
from simulator.servers.server import Endpoint, Target

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
) -> Target:
    """Return the target at *url*, for those of *protocols* (``plain``, ``tus``) that shall be spoken there.

    At a tus endpoint ``plain`` is worded in tus; elsewhere only ``plain`` can be spoken, as a bare POST.
    *headers* go with every request. Raises ``UsageError`` when nothing answers, when what answers is
    not what was asked for, and for a host that is not this one unless *allow_remote*.
    """
    parsed = _parse(url)
    if not allow_remote:
        refuse_remote(parsed.host, "", "add --allow-remote if it is yours")
    answer = _ask(parsed, headers)
    version = answer.headers.get("Server", "unknown")
    return Target("external", version, _endpoints(str(parsed), answer, protocols), headers=headers)


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


def _ask(url: httpx.URL, headers: Headers) -> httpx.Response:
    place = f"{url.host}:{url.port or {'http': 80, 'https': 443}[url.scheme]}"
    fields = [*headers, ("Tus-Resumable", _TUS)]
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, trust_env=False) as client,
            client.stream("OPTIONS", url, headers=fields) as answer,
        ):
            return answer  # its body, which may never end, is not read
    except httpx.ConnectError as error:
        raise UsageError(f"{place} cannot be reached: {error}", mend="is the server running?") from error
    except httpx.TimeoutException as error:
        raise UsageError(f"{place} did not answer OPTIONS within {_TIMEOUT:g} s") from error
    except httpx.TransportError as error:
        raise UsageError(f"{place} does not speak HTTP/1.1: {error}") from error


def _endpoints(url: str, answer: httpx.Response, protocols: Collection[str]) -> dict[str, Endpoint]:
    if "Tus-Resumable" in answer.headers or "Tus-Version" in answer.headers:
        _refuse_lacking(url, answer, protocols)
        worded = {"tus": Endpoint(url), "plain": Endpoint(url, "tus")}
    elif set(protocols) <= {"plain"}:
        worded = {"plain": Endpoint(url)}
    else:
        mend = "give the whole URL of the upload endpoint, such as http://127.0.0.1:8080/files/"
        raise UsageError(f"{url} is not a tus endpoint: {_seen(answer)}", mend=mend)
    return {name: worded[name] for name in protocols}


def _refuse_lacking(url: str, answer: httpx.Response, protocols: Collection[str]) -> None:
    versions = _list(answer.headers.get("Tus-Version", _TUS))
    if _TUS not in versions:
        raise UsageError(f"{url} speaks tus {', '.join(versions)}, not {_TUS}")
    extensions = _list(answer.headers.get("Tus-Extension", ""))
    for protocol in protocols:
        if _NEEDED[protocol] not in extensions:
            offered = ", ".join(extensions) or "no extensions"
            raise UsageError(
                f"{url} lacks '{_NEEDED[protocol]}', which '{protocol}' needs; it offers {offered}"
            )


def _list(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _seen(answer: httpx.Response) -> str:
    """Return what answered OPTIONS, in words."""
    kind = answer.headers.get("Content-Type", "no content type").partition(";")[0]
    server = f" from '{answer.headers['Server']}'" if "Server" in answer.headers else ""
    towards = f" to {answer.headers['Location']}" if "Location" in answer.headers else ""
    return f"OPTIONS was answered {answer.status_code}{towards} ({kind}){server} without Tus-Resumable"
