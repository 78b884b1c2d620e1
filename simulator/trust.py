"""Whom an https target is believed, by what its certificate is signed; and what a target is shown: keys.

Both travel with a job as data, since a worker may run on a machine where the file is not.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from simulator.errors import UsageError

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")
_LARGEST = 16 * 2**20  # bytes; all of Mozilla's authorities are 0.3 MB


@dataclass(frozen=True)
class Credentials:
    """The keys with which requests to S3 are signed. They are shown nowhere and written into no record."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str
    token: str = field(default="", repr=False)  # of temporary keys

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Credentials:
        """Return the keys that every tool for S3 takes. Raises ``UsageError`` when some are missing."""
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")
        told = {"AWS_REGION": region}
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            told[name] = environment.get(name, "")
        missing = [name for name, value in told.items() if not value and name != "AWS_SESSION_TOKEN"]
        if missing:
            mend = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION sign the requests"
            raise UsageError(f"s3 needs {' and '.join(missing)}", where="the environment", mend=mend)
        for name, value in told.items():
            if not (value.isascii() and value.isprintable() and " " not in value) and value:
                raise UsageError(f"{name} holds what no key has", where="the environment")
        keys = told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]
        return cls(*keys, region, told["AWS_SESSION_TOKEN"])


@dataclass(frozen=True)
class Trust:
    """``authorities`` are certificates in PEM; none are this machine's own and Mozilla's together.

    ``checked`` is whether certificate and name are checked at all.
    """

    authorities: str = ""
    checked: bool = True

    def context(self) -> ssl.SSLContext:
        """Return the client's side of TLS, one for all in this process. Raises ``OSError``."""
        return _context(self)


@lru_cache(maxsize=4)
def _context(trust: Trust) -> ssl.SSLContext:
    import httpx  # not for a process that only hands the words on

    if trust.authorities:
        context = ssl.create_default_context(cadata=trust.authorities)
        # A certificate that is given by itself is believed by itself; Python 3.13's default.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    else:
        context = httpx.create_ssl_context(verify=trust.checked)  # 21 ms of CPU: Mozilla's authorities
        if trust.checked:
            context.load_default_certs()
    context.set_alpn_protocols(["http/1.1"])
    return context


def trust_asked(ca: Path | None, *, insecure: bool, url: str) -> Trust:
    """Return whom to believe at *url*. Raises ``UsageError`` for what cannot be meant or read."""
    options = [option for option, given in (("--ca", ca is not None), ("--insecure", insecure)) if given]
    if len(options) > 1:
        raise UsageError(
            "one checks the certificate, the other does not", where=" and ".join(options), mend="give one"
        )
    if options and url.lower().startswith("http:"):
        raise UsageError(
            "an http target shows no certificate", where=options[0], mend="write https://, or leave it out"
        )
    trust = Trust(checked=False) if insecure else Trust() if ca is None else Trust(_authorities(ca))
    try:
        trust.context()
    except OSError as error:
        unreadable = isinstance(error, ssl.SSLError)
        what = "no certificate in it can be read" if unreadable else f"it cannot be read: {error.strerror}"
        raise UsageError(what, where="SSL_CERT_FILE" if ca is None else f"--ca {ca}") from error
    return trust


def _authorities(file: Path) -> str:
    """Return the certificates in *file*, and nothing else of it: a key may stand beside them."""
    try:
        what = _no_bundle(file)
        found = [] if what else _CERTIFICATE.findall(file.read_bytes())
    except (OSError, ValueError) as error:  # ValueError: a NUL in its name
        what, found = f"it cannot be read: {getattr(error, 'strerror', error)}", []
    if not found:
        raise UsageError(
            what or "there is no BEGIN CERTIFICATE in it",
            where=f"--ca {file}",
            mend="name a PEM file with the certificate of the authority that signed the server's",
        )
    return b"\n".join(found).decode("ascii", "replace") + "\n"


def _no_bundle(file: Path) -> str:
    """Return why *file* cannot hold certificates, empty when it can."""
    if file.is_dir():
        return "it is a folder"
    if not file.is_file():
        return "it is no file" if file.exists() else "there is no such file"
    size = file.stat().st_size
    return "it is empty" if not size else "it is too large for certificates" if size > _LARGEST else ""
