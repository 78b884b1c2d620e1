"""Which certificates are believed: what can be read of a file, and what cannot be meant."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
import trustme

from simulator.errors import UsageError
from simulator.trust import Trust, _context, trust_asked

URL = "https://upload.example/files/"
PEM = trustme.CA().cert_pem.bytes()
BROKEN = b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"


def test_a_file_is_trusted_by_its_certificates_alone(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    other = trustme.CA()
    file.write_bytes(b"# J\xf6rg's\n" + PEM + other.private_key_pem.bytes() + other.cert_pem.bytes())
    trust = trust_asked(file, insecure=False, url=URL)
    assert trust.checked
    assert trust.authorities.count("BEGIN CERTIFICATE") == 2
    assert "KEY" not in trust.authorities
    assert len(trust.context().get_ca_certs()) == 2


def test_without_a_file_the_public_authorities_are_trusted_and_names_are_checked() -> None:
    context = trust_asked(None, insecure=False, url=URL).context()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) > 50


def test_insecure_checks_nothing() -> None:
    context = trust_asked(None, insecure=True, url=URL).context()
    assert not context.check_hostname
    assert context.verify_mode is ssl.CERT_NONE


def test_one_context_serves_all_clients_of_a_process() -> None:
    assert Trust(checked=False).context() is Trust(checked=False).context()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file"),
        (b"", "it is empty"),
        (b"hello\n", "no BEGIN CERTIFICATE"),
        (trustme.CA().private_key_pem.bytes(), "no BEGIN CERTIFICATE"),
        (PEM.replace(b"-----END", b"----"), "no BEGIN CERTIFICATE"),
        (ssl.PEM_cert_to_DER_cert(PEM.decode()), "no BEGIN CERTIFICATE"),
        (BROKEN, "no certificate in it can be read"),
        (b"\0" * (17 * 2**20), "too large"),
    ],
    ids=["missing", "empty", "text", "key", "cut", "DER", "broken", "huge"],
)
def test_a_file_without_certificates_is_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=words) as refused:
        trust_asked(file, insecure=False, url=URL)
    assert refused.value.where == f"--ca {file}"


@pytest.mark.parametrize("kind", ["folder", "pipe", "impossible"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    place = tmp_path / ("a\0b" if kind == "impossible" else kind)
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    with pytest.raises(UsageError, match=r"--ca .*: it|--ca .*: there is no such file"):
        trust_asked(place, insecure=False, url=URL)


@pytest.mark.parametrize(
    ("ca", "insecure", "url", "where"),
    [
        (Path("ca.pem"), True, URL, "--ca and --insecure"),
        (Path("ca.pem"), False, "http://127.0.0.1/", "--ca"),
        (None, True, "http://127.0.0.1/", "--insecure"),
    ],
)
def test_options_that_exclude_each_other_or_the_target_are_refused(
    ca: Path | None, insecure: bool, url: str, where: str
) -> None:
    with pytest.raises(UsageError) as refused:
        trust_asked(ca, insecure=insecure, url=url)
    assert refused.value.where == where


def test_authorities_that_the_environment_names_and_that_are_not_there_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    _context.cache_clear()
    with pytest.raises(UsageError, match="SSL_CERT_FILE: it cannot be read"):
        trust_asked(None, insecure=False, url=URL)
