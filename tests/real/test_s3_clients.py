"""S3 by software that nobody here wrote: boto3 at the server in the box, our client at versitygw."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
import trustme
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from simulator.errors import UsageError
from simulator.measure.summary import Summary
from simulator.servers import start
from simulator.servers.buckets import find_bucket
from simulator.servers.server import Target
from simulator.trust import Credentials, Trust
from tests.helpers.proxies import Proxy, proxying
from tests.helpers.runs import only_folder, simsim
from tests.helpers.served import serving
from tests.helpers.sinks import wait_until
from tests.real.conftest import installed

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore::DeprecationWarning:botocore")]

MIB = 2**20
CONTENT = random.Random(5).randbytes(17 * MIB + 77)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KEY = "a/b ü+(1).bin"
PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=3)
BOX = Credentials("simsim", "simsim-secret", "us-east-1")


def boto(url: str, **more: Any) -> Any:
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 10, "mode": "standard"})
    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id="simsim",
        aws_secret_access_key=more.pop("secret", "simsim-secret"),
        region_name="us-east-1",
        config=config,
        **more,
    )


def sha256_of(client: Any, key: str = KEY) -> str:
    stored = io.BytesIO()
    client.download_fileobj("simsim", key, stored)  # in ranges, several at once
    return hashlib.sha256(stored.getvalue()).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture(scope="module")
def versitygw() -> Path:
    return installed("servers", "versitygw")


# boto3 against the server in the box


@pytest.mark.parametrize("place", ["/s3", ""])
def test_boto3_uploads_in_parts_and_reads_back(tmp_path: Path, file: Path, place: str) -> None:
    with serving(tmp_path) as server:
        client = boto(server.url + place)
        client.create_bucket(Bucket="simsim")
        client.upload_file(str(file), "simsim", KEY, Config=PARTS)
        told = client.head_object(Bucket="simsim", Key=KEY)
        assert (told["ContentLength"], told["ETag"][-3:]) == (len(CONTENT), '-4"')
        assert sha256_of(client) == SHA256
        assert len(list((tmp_path / "store").glob("*.json"))) == 1, "no part is left"


def test_boto3_over_tls_sends_its_checksums_after_the_content(tmp_path: Path, file: Path) -> None:
    authority = trustme.CA()
    certificate, trusted = tmp_path / "cert.pem", tmp_path / "ca.pem"
    issued = authority.issue_cert("127.0.0.1")
    certificate.write_bytes(
        issued.private_key_pem.bytes() + b"".join(pem.bytes() for pem in issued.cert_chain_pems)
    )
    authority.cert_pem.write_to_path(str(trusted))
    seen: list[str] = []
    with serving(tmp_path, "--cert", str(certificate), scheme="https") as server:
        client = boto(f"https://127.0.0.1:{server.port}/s3", verify=str(trusted))
        client.meta.events.register(
            "before-send.s3.UploadPart",
            lambda request, **_: seen.append(str(request.headers.get("X-Amz-Content-SHA256"))),
        )
        client.upload_file(str(file), "simsim", KEY, Config=PARTS)
        assert sha256_of(client) == SHA256
    assert len(seen) == 4 and all("STREAMING-UNSIGNED-PAYLOAD-TRAILER" in value for value in seen)


def test_boto3_uploads_through_resets(tmp_path: Path, file: Path) -> None:
    with serving(tmp_path) as server, proxying("wifi", "--upstream", f"127.0.0.1:{server.port}") as proxy:
        client = boto(proxy.url + "/s3")
        with resetting(proxy):
            client.upload_file(str(file), "simsim", KEY, Config=PARTS)
        assert sha256_of(client) == SHA256
        assert proxy.said("ended by the reset"), proxy.lines


@contextmanager
def resetting(proxy: Proxy) -> Iterator[None]:
    """Reset every connection of the link, twice, while what is within runs: 17 MiB take seconds there."""
    over = threading.Event()

    def strike() -> None:
        for _ in range(2):
            if not over.wait(1.0):
                proxy.press("c")

    striker = threading.Thread(target=strike)
    striker.start()
    try:
        yield
    finally:
        over.set()
        striker.join()


def test_an_upload_begun_by_boto3_goes_on_after_the_server_was_killed(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        client = boto(server.url + "/s3")
        upload = client.create_multipart_upload(Bucket="simsim", Key=KEY)["UploadId"]
        named = {"Bucket": "simsim", "Key": KEY, "UploadId": upload}
        client.upload_part(**named, PartNumber=1, Body=CONTENT[: 5 * MIB])
        server.process.kill()
        server.process.wait()
    with serving(tmp_path) as server:
        client = boto(server.url + "/s3")
        (first,) = client.list_parts(**named)["Parts"]
        assert first["Size"] == 5 * MIB
        second = client.upload_part(**named, PartNumber=2, Body=CONTENT[5 * MIB :])
        parts = [{"PartNumber": n, "ETag": p["ETag"]} for n, p in ((1, first), (2, second))]
        client.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
        assert sha256_of(client) == SHA256


def test_boto3_is_told_by_code_what_is_wrong(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        client = boto(server.url + "/s3")
        named = {"Bucket": "simsim", "Key": KEY}
        wrong = {
            "NoSuchKey": lambda: client.get_object(**named),
            "NoSuchBucket": lambda: client.put_object(Bucket="other", Key="k", Body=b""),
            "NoSuchUpload": lambda: client.list_parts(**named, UploadId="1"),
            "SignatureDoesNotMatch": lambda: boto(server.url + "/s3", secret="x").get_object(**named),
            "NotImplemented": lambda: client.list_objects_v2(Bucket="simsim"),
        }
        for code, ask in wrong.items():
            with pytest.raises(ClientError) as caught:
                ask()
            assert caught.value.response["Error"]["Code"] == code


# Our client against versitygw


def completed_intact(folder: Path) -> dict[str, tuple[int, float | None]]:
    summary = Summary.model_validate(
        json.loads((only_folder(folder / "results") / "summary.json").read_text())
    )
    return {arm.name: (arm.outcomes["completed"], arm.numbers["intact"].value) for arm in summary.arms}


FEW = ("--users", "2", "--size", "6 MB", "--no-calm", "--quiet")


def test_a_run_starts_versitygw_and_finds_every_upload_intact(versitygw: Path, tmp_path: Path) -> None:
    arms = "plain,s3,s3:parallel=4"
    told = simsim("run", "wifi", "--server", "versitygw", "--protocols", arms, *FEW, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert completed_intact(tmp_path) == dict.fromkeys(arms.split(","), (2, 1.0))
    written = b"".join(path.read_bytes() for path in (tmp_path / "results").rglob("*") if path.is_file())
    assert b"simsim-secret" not in written, "keys are written nowhere"


@pytest.mark.parametrize("server", ["versitygw", "reference"])
def test_a_lost_answer_costs_no_part_twice_and_no_upload(
    versitygw: Path, tmp_path: Path, server: str
) -> None:
    told = simsim("run", "lost-answer", "--server", server, "--protocols", "s3", *FEW, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert completed_intact(tmp_path) == {"s3": (2, 1.0)}
    lines = (only_folder(tmp_path / "results") / "records.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    lost = [record["method"] for record in records if record["kind"] == "hop" and record["step"]]
    assert lost == ["PUT"] * 2, "the answer to a part was lost, once for each upload"
    assert sum(r["kind"] == "offset" and r["source"] == "query" for r in records) == 2
    puts = [r for r in records if r["kind"] == "request" and r["purpose"] == "append"]
    whole = [(r["user"], r["start"]) for r in puts if r["sent"] == r["length"]]
    assert len(set(whole)) == len(whole), "a part that was stored is sent again"


def test_a_bucket_that_somebody_else_runs_is_looked_for(versitygw: Path, tmp_path: Path) -> None:
    with start("versitygw", tmp_path / "run") as target:
        url = target.endpoints["s3"].url
        assert target.version == "v1.8.0"
        assert find_bucket(url, BOX, Trust()) == target.endpoints["s3"]
        for wrong, keys, words in (
            (url + "x", BOX, "no such bucket"),
            (url, Credentials("simsim", "wrong", "us-east-1"), "the keys are refused"),
            (url.rpartition("/")[0] + "/", BOX, "names no bucket"),
            (url + "?a=b", BOX, "names no bucket"),
        ):
            with pytest.raises(UsageError, match=words):
                find_bucket(wrong, keys, Trust())


def test_an_upload_to_versitygw_outlives_its_restart(versitygw: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"

    def running() -> Any:
        return start("versitygw", tmp_path / "run", store=store)

    def endpoint(target: Target) -> str:
        return target.endpoints["s3"].url.removesuffix("/simsim")

    with running() as target:
        client = boto(endpoint(target))
        upload = client.create_multipart_upload(Bucket="simsim", Key="k")["UploadId"]
        named = {"Bucket": "simsim", "Key": "k", "UploadId": upload}
        client.upload_part(**named, PartNumber=1, Body=b"x" * 5 * MIB)
        assert target.pid is not None
        os.kill(target.pid, 9)
        wait_until(lambda: not listening(endpoint(target)), 30.0)
    with running() as target:
        (part,) = boto(endpoint(target)).list_parts(**named)["Parts"]
        assert (part["PartNumber"], part["Size"]) == (1, 5 * MIB)


def listening(url: str) -> bool:
    try:
        httpx.get(url, timeout=5.0)
    except httpx.TransportError:
        return False
    return True
