"""Why a TLS connection to a target failed, in words with a mend."""

from __future__ import annotations

import ssl

from simulator.errors import UsageError
from simulator.trust import Trust

_LOOK = "--insecure looks without the check"
_GIVE = f"give its authority's certificate with --ca FILE; {_LOOK}"
_OTHER = f"name with --ca FILE the authority that signed it; {_LOOK}"
_NAME = f"write the URL with a name that the certificate has; {_LOOK}"

# x509_vfy.h of OpenSSL: X509_V_ERR_*, and what a user is told of each.
_VERIFY: dict[int, tuple[str, str]] = {
    9: ("is not valid yet", f"see to the clocks; {_LOOK}"),
    10: ("has expired, or its authority's has", f"renew it; {_LOOK}"),
    18: ("is signed by itself", _GIVE),
    19: ("is signed by an authority that signed itself and is not known here", _GIVE),
    20: ("is signed by an authority that is not known here", _GIVE),
    21: ("cannot be followed to an authority", f"let the server send its whole chain, or {_GIVE}"),
    62: ("is for another name", _NAME),
    64: ("is for another address", _NAME),
}
_UNKNOWN = (18, 19, 20, 21)

# ssl.SSLError.reason, as OpenSSL names it.
_REASONS: dict[str, tuple[str, str]] = {
    "WRONG_VERSION_NUMBER": ("it does not speak TLS", "write http://, or name its TLS port"),
    "RECORD_LAYER_FAILURE": ("it does not speak TLS", "write http://, or name its TLS port"),
    "UNEXPECTED_EOF_WHILE_READING": ("it ended the connection in mid-handshake", "is that its TLS port?"),
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": ("it asks for a client's certificate", "simsim has none to show"),
    "TLSV1_UNRECOGNIZED_NAME": ("it does not know that name", "write the URL with a name of the server's"),
}


def tls_error(error: BaseException) -> ssl.SSLError | None:
    """Return the TLS error that *error* was raised from, if any."""
    link: BaseException | None = error
    while link is not None and not isinstance(link, ssl.SSLError):
        link = link.__cause__ or link.__context__
    return link


def refusal(place: str, error: ssl.SSLError, trust: Trust) -> UsageError:
    """Return what *error* of a TLS connection to *place* (host and port) means to the user."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrust(place, error, trust)
    reason = error.reason or str(error)
    said, mend = _REASONS.get(reason, (f"TLS fails: {reason.replace('_', ' ').lower()}", ""))
    return UsageError(f"{place} cannot be spoken to: {said}", mend=mend)


def _distrust(place: str, error: ssl.SSLCertVerificationError, trust: Trust) -> UsageError:
    known = _VERIFY.get(error.verify_code)
    said, mend = known or (f"is not believed: {error.verify_message}", _LOOK)
    if trust.authorities and error.verify_code in _UNKNOWN:
        said, mend = "is not signed by an authority in the file of --ca", _OTHER
    return UsageError(f"the certificate of {place} {said}", mend=mend)
