"""The server's side of TLS: its certificate and key, from PEM files."""

from __future__ import annotations

import ssl
from pathlib import Path

from simulator.errors import UsageError


def server_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """Return what serves https, None where no certificate is given. Raises ``UsageError``."""
    if certificate is None:
        if key is not None:
            raise UsageError("goes with --cert only", where="--key", mend="name its certificate, too")
        return None
    _check_holds("--cert", certificate, "CERTIFICATE")
    _check_holds("--cert" if key is None else "--key", key or certificate, "PRIVATE KEY")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except _Locked as error:
        what = "the key is locked by a passphrase"
        raise UsageError(what, where=f"--key {key or certificate}", mend="give one without") from error
    except OSError as error:  # ssl.SSLError is one
        where = f"--cert {certificate}" + (f" --key {key}" if key is not None else "")
        raise UsageError(f"cannot be used: {_why(error)}", where=where) from error
    return context


class _Locked(Exception):
    """OpenSSL would ask the terminal for a passphrase."""


def _no_passphrase() -> str:
    raise _Locked


def _check_holds(option: str, file: Path, kind: str) -> None:
    """Raise ``UsageError`` where *file* has no PEM block of that *kind*: OpenSSL does not say which it is."""
    try:
        text = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=f"{option} {file}") from error
    if not any(line.startswith(b"-----BEGIN") and kind.encode() in line for line in text.splitlines()):
        mend = (
            "name its PEM file with --key"
            if option == "--cert" and kind != "CERTIFICATE"
            else "name a PEM file"
        )
        raise UsageError(f"there is no {kind.lower()} in it", where=f"{option} {file}", mend=mend)


def _why(error: OSError) -> str:
    reason = getattr(error, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return "the key is not the certificate's"
    return str(reason).replace("_", " ").lower() if reason else "what is between its BEGIN and END is no PEM"
