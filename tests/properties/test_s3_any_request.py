"""No signed request, however odd, gets anything from the server's S3 but an answer."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.servers.reference.messages import Head, Reply
from simulator.servers.reference.receiving import Copying, Receiving, Step
from tests.helpers.asking import finish
from tests.helpers.s3 import NOW, S3Asker, signed

ID = f"{1:032x}"  # the upload that is there from the start
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
LENGTHS = st.sampled_from([0, 0, 3, 10, None, 1 << 63])
PATHS = st.sampled_from(
    ["/s3/", "/s3/simsim", "/s3/simsim/a", "/simsim/a", "/s3/simsim/%ff%00/..", "/s3/b/c"]
)
NUMBERS = st.sampled_from(["1", "0", "-1", "10001", "9" * 40, "²", "", "1e1"])
TEXT = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=12)
QUERIES = st.one_of(
    st.sampled_from(
        ["", "uploads", "uploads=", "acl", "&=%", f"uploadId={ID}", f"partNumber=1&uploadId={ID}"]
    ),
    NUMBERS.map(lambda number: f"partNumber={number}&uploadId={ID}"),
    NUMBERS.map(lambda number: f"max-parts={number}&part-number-marker={number}&uploadId={ID}"),
    TEXT.map(lambda text: f"uploadId={text}"),
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "x_amz_content_sha256": st.sampled_from(
            ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x"]
        ),
        "x_amz_decoded_content_length": NUMBERS,
        "x_amz_trailer": st.sampled_from(["x-amz-checksum-crc32", ",", "x"]),
        "x_amz_checksum_sha1": TEXT,
        "x_amz_date": st.sampled_from(["", "20270115T080000Z", "99999999T000000Z"]),
        "content_md5": TEXT,
        "content_type": TEXT,
        "range": st.sampled_from(["bytes=0-1", "bytes=9-", "bytes=-", "bytes=-0", "bytes=3-1", "x"]),
    },
)
CONTENT = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            b"3\r\nabc\r\n0\r\n\r\n",
            b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"
            b"900150983cd24fb0d6963f7d28e17f72</ETag></Part></CompleteMultipartUpload>",
        ]
    ),
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[Head, bytes, str]:
    target = f"{draw(PATHS)}?{draw(QUERIES)}"
    head = signed(draw(METHODS), target, draw(LENGTHS), NOW, **draw(FIELDS))
    return head, draw(CONTENT), draw(st.sampled_from(["end", "cut", "leave"]))


@given(st.lists(requests(), max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_signed_request_gets_an_answer(told: list[tuple[Head, bytes, str]]) -> None:
    asker = S3Asker(max_size=1000, expires=5.0)
    assert asker.ask("POST", "/s3/simsim/a?uploads").status == 200
    asker.ask("PUT", f"/s3/simsim/a?partNumber=1&uploadId={ID}", b"abc")
    for head, content, end in told:
        asker.now += 1
        carry_out(asker, asker.begin(head), content, end)
        asker.core.sweep(asker.now)
    asker.restart()
    assert not asker.core.events()


def carry_out(asker: S3Asker, step: Step, content: bytes, end: str) -> None:
    if isinstance(step, Receiving):
        reply = step.data(content, asker.now)
        if reply is None and end == "cut":
            step.cut(asker.now)
        if reply is None and end != "end":
            return
        step = reply or step.end(asker.now)
    assert_proper(finish(step) if isinstance(step, Copying) else step)


def assert_proper(reply: Step) -> None:
    assert isinstance(reply, Reply)
    assert 200 <= reply.status < 500 or reply.status == 501
    names = [name for name, _ in reply.headers]
    assert len(names) == len(set(names))
    for name, value in reply.headers:
        assert value.encode("latin-1"), name
        assert "\n" not in value and "\r" not in value
