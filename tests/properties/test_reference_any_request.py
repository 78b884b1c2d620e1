"""No request, however odd, gets anything from the core but an answer; and it leaves the store sound."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.servers.reference.google import ENDPOINT as GOOGLE
from simulator.servers.reference.memory import MemoryStore
from simulator.servers.reference.messages import Head, Later, Reply
from simulator.servers.reference.receiving import Receiving, Stepwise
from tests.helpers.asking import OFFSET_TYPE, Asker, finish
from tests.helpers.drafting import MEDIA, Drafter
from tests.helpers.s3 import signed

ID = f"{1:032x}"
DRAFTED = f"{2:032x}"
NUMBERS = st.sampled_from(["0", "1", "3", "10", "-1", "1e3", "", "9" * 18, "9" * 40, "٣", "0x1"])
TEXT = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "tus-resumable": st.sampled_from(["1.0.0", "1.0.0", "1.0.0", "0.2.2"]),
        "upload-offset": NUMBERS,
        "upload-length": NUMBERS,
        "upload-defer-length": NUMBERS,
        "content-type": st.sampled_from([OFFSET_TYPE, MEDIA, "text/plain", ";"]),
        "upload-metadata": st.one_of(st.sampled_from(["a YQ==", "a,b", "a,a"]), TEXT),
        "upload-checksum": st.one_of(st.sampled_from(["sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha1 A"]), TEXT),
        "upload-concat": st.one_of(st.sampled_from(["partial", f"final;/files/{ID}", "final; x://"]), TEXT),
        "content-range": st.one_of(
            st.sampled_from(["bytes 0-2/10", "bytes 0-2/*", "bytes */3", "bytes 3-12/13", "bytes */*"]), TEXT
        ),
        "x-upload-content-length": NUMBERS,
        "host": TEXT,
        "upload-draft-interop-version": st.sampled_from([*map(str, range(2, 11)), "?1", "9, 9"]),
        "upload-complete": st.sampled_from(["?0", "?1", "?1", "1", "?2", "?1;a"]),
        "upload-incomplete": st.sampled_from(["?0", "?1", "yes"]),
        "content-digest": st.one_of(st.sampled_from(["sha-256=:AAAA:", "sha-512=1, a", "sha-256"]), TEXT),
        "repr-digest": st.one_of(st.sampled_from(["sha-256=:AAAA:", "sha-512=:x:", ":::"]), TEXT),
        "want-repr-digest": st.one_of(
            st.sampled_from(["sha-256=1", "sha-512=-1", "sha-256=?1, md5=3"]), TEXT
        ),
        "x-amz-content-sha256": st.sampled_from(["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"]),
        "range": st.sampled_from(["bytes=0-1", "bytes=9-", "bytes=-"]),
        "x-http-method-override": st.sampled_from(["PATCH", "HEAD", "DELETE", "BREW"]),
    },
)
TARGETS = st.one_of(
    st.sampled_from(
        [
            *("/files/", f"/files/{ID}", "/files", f"http://h/files/{ID}?q#f", "*"),
            *("/plain/", "/plain/a", "/resumable/", f"/resumable/{DRAFTED}", f"/resumable/{DRAFTED}"),
        ]
    ),
    TEXT,
    TEXT.map(lambda text: f"/files/{text}"),
    TEXT.map(lambda text: f"/plain/{text}"),
    st.sampled_from(
        [
            f"{GOOGLE}?uploadType=resumable&name=a",
            f"{GOOGLE}?upload_id={2:032x}",
            f"{GOOGLE}?upload_id={3:032x}",
            "/storage/v1/b/simsim/o/a",
            "/download/storage/v1/b/simsim/o/a?alt=media",
        ]
    ),
    TEXT.map(lambda text: f"{GOOGLE}?uploadType=resumable&name={text}"),
    TEXT.map(lambda text: f"/storage/v1/b/simsim/o/{text}"),
    TEXT.map(lambda text: f"/resumable/{text}"),
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
LENGTHS = st.sampled_from([0, 0, 3, 10, None, 1 << 63])
QUERIES = st.sampled_from(
    [
        "",
        "?uploads",
        f"?uploadId={ID}",
        f"?partNumber=1&uploadId={2:032x}",
        f"?uploadId={2:032x}",
        "?acl",
        "?&=%",
    ]
)


@st.composite
def to_s3(draw: st.DrawFn) -> Head:
    """Return a request that is signed, so that it gets further than the door."""
    path = draw(st.sampled_from(["/s3/", "/s3/simsim", "/s3/simsim/a", "/simsim/a", "/s3/b/c"]))
    fields = {name.replace("-", "_"): value for name, value in draw(FIELDS).items()}
    return signed(draw(METHODS), path + draw(QUERIES), draw(LENGTHS), 1_000_000.0, **fields)


HEADS = st.one_of(st.builds(Head, METHODS, TARGETS, FIELDS, LENGTHS), to_s3())
REQUESTS = st.tuples(HEADS, st.binary(max_size=12), st.sampled_from(["end", "cut", "leave"]))


@given(st.lists(REQUESTS, max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_request_gets_an_answer(requests: list[tuple[Head, bytes, str]]) -> None:
    asker = Asker(MemoryStore(), max_size=1000, expires=5)
    asker.create(10, b"abc", upload_concat="partial")
    Drafter(asker, 6).started(b"abc", upload_length=10)
    for number, (head, content, end) in enumerate(requests, start=3):
        asker.now += 1
        step = asker.core.begin(head, asker.now, f"{number:032x}")
        if isinstance(step, Stepwise | Later):
            step = finish(step)
        if isinstance(step, Receiving):
            carry_out(asker, step, content, end)
        else:
            assert_proper(step)
        asker.core.sweep(asker.now)
    asker.restart()
    assert not asker.core.events()


def carry_out(asker: Asker, step: Receiving, content: bytes, end: str) -> None:
    while (interim := step.interim(asker.now)) is not None:
        assert 100 < interim.status < 200
    reply = step.data(content, asker.now)
    if reply is not None:
        assert_proper(reply)
    elif end == "end":
        assert_proper(finish(step.end(asker.now)))
    elif end == "cut":
        step.cut(asker.now)


def assert_proper(reply: Reply) -> None:
    # 501 is what S3 has and this server has not
    assert (200 <= reply.status < 502 and reply.status != 500) or "bytes are kept" in reply.text, reply
    names = [name for name, _ in reply.headers]
    assert len(names) == len(set(names))
    for name, value in reply.headers:
        assert value.encode("latin-1"), name
        assert "\n" not in value
