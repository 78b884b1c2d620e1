"""A tusd that speaks https alone, with a certificate for localhost from an authority of the test's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

import simulator.servers.catalog as catalog
from simulator.servers import start


@dataclass(frozen=True)
class TlsTusd:
    """Its endpoint, and the file of the authority that a client has to trust."""

    url: str
    authority: Path


@contextmanager
def tls_tusd_in(folder: Path) -> Iterator[TlsTusd]:
    """Run it in *folder*, as the catalog's tusd but for the certificate."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    chain, key, ca = (folder / name for name in ("chain.pem", "key.pem", "authority.pem"))
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(ca))
    shipped = (Path(catalog.__file__).with_name("catalog") / "tusd.toml").read_text()
    tls = f'"-tls-certificate", "{chain}", "-tls-key", "{key}", "-shutdown-timeout"'
    mine = folder / "tls.toml"
    mine.write_text(shipped.replace('"-shutdown-timeout"', tls).replace("to: http://", "to: https://"))
    with start(str(mine), folder / "tls") as target:
        yield TlsTusd(target.endpoints["tus"].url.replace("http://", "https://"), ca)
