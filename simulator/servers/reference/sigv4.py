"""Checks the signature of a request: AWS Signature Version 4 in the Authorization field.

Made from its description (Amazon S3 API Reference, "Authenticating Requests: Using the Authorization
Header"), not from a client's code, so that client and server prove each other right.

    canonical request --SHA-256--> string to sign --HMAC, key of day, region and service--> signature
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from simulator.servers.reference.messages import Head, path_of, query_of
from simulator.servers.reference.s3_xml import S3Refusal

ALGORITHM = "AWS4-HMAC-SHA256"
ACCESS_KEY, SECRET_KEY, REGION = "simsim", "simsim-secret", "us-east-1"  # everybody may know them
SKEW_S = 900.0  # how far the client's clock may be off ("RequestTimeTooSkewed")
_DATE = "%Y%m%dT%H%M%SZ"
_FIELDS = re.compile(r"(\w+)=([^,\s]+)")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a key is good for."""

    day: str
    region: str

    def __str__(self) -> str:
        return f"{self.day}/{self.region}/s3/aws4_request"


def check(head: Head, now: float) -> None:
    """Raise ``S3Refusal`` unless *head* is signed with the key of the box, and not long ago.

    *now* is in seconds since the epoch.
    """
    kind, _, rest = head.fields.get("authorization", "").partition(" ")
    if kind != ALGORITHM:
        raise S3Refusal(403, "AccessDenied", f"the request must be signed by {ALGORITHM} in Authorization")
    said = dict(_FIELDS.findall(rest))
    access_key, _, scope = said.get("Credential", "").partition("/")
    if access_key != ACCESS_KEY:
        raise S3Refusal(403, "InvalidAccessKeyId", f"the access key is not '{ACCESS_KEY}'")
    date = _date(head, now)
    wanted = Scope(date[:8], REGION)
    if scope != str(wanted):
        raise S3Refusal(400, "AuthorizationHeaderMalformed", f"the credential's scope must be {wanted}")
    names = said.get("SignedHeaders", "").split(";")
    if "host" not in names or any(name.startswith("x-amz-") and name not in names for name in head.fields):
        raise S3Refusal(403, "AccessDenied", "Host and every x-amz- field must be signed")
    expected = signature(head, names, date, wanted, SECRET_KEY)
    if not hmac.compare_digest(expected, said.get("Signature", "").encode()):
        raise S3Refusal(403, "SignatureDoesNotMatch", "the signature is not that of this request")


def _date(head: Head, now: float) -> str:
    date = head.fields.get("x-amz-date", "")
    try:
        at = datetime.strptime(date, _DATE).replace(tzinfo=UTC).timestamp()
    except ValueError as exc:
        raise S3Refusal(403, "AccessDenied", "X-Amz-Date must be of the form 20260102T030405Z") from exc
    if abs(at - now) > SKEW_S:
        raise S3Refusal(403, "RequestTimeTooSkewed", f"X-Amz-Date is more than {SKEW_S:.0f} s off")
    return date


def signature(head: Head, names: Iterable[str], date: str, scope: Scope, secret: str) -> bytes:
    """Return the signature of *head* over the fields *names*, in hexadecimal digits."""
    digest = hashlib.sha256(canonical(head, names).encode()).hexdigest()
    text = f"{ALGORITHM}\n{date}\n{scope}\n{digest}"
    key = f"AWS4{secret}".encode()
    for word in (scope.day, scope.region, "s3", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex().encode()


def canonical(head: Head, names: Iterable[str]) -> str:
    """Return *head* as it is signed ("Task 1: Create a Canonical Request")."""
    names = sorted(names)
    fields = "".join(f"{name}:{_trimmed(head.fields, name)}\n" for name in names)
    payload = head.fields.get("x-amz-content-sha256", "")
    path = quote(unquote(path_of(head.target), "latin-1").encode("latin-1"), safe="/~")
    return "\n".join((head.method, path, _query(head), fields, ";".join(names), payload))


def _trimmed(fields: Mapping[str, str], name: str) -> str:
    return " ".join(fields.get(name, "").split())


def _query(head: Head) -> str:
    pairs = (pair.partition("=") for pair in query_of(head.target).split("&") if pair)
    return "&".join(f"{name}={value}" for name, value in sorted((_again(n), _again(v)) for n, _, v in pairs))


def _again(text: str) -> str:
    """Return *text* with the percent-encoding that is signed, however it came."""
    return quote(unquote(text, "latin-1").encode("latin-1"), safe="~")
