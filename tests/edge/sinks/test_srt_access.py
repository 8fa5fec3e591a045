from __future__ import annotations

import pytest

from edge.model.errors import Invalid
from edge.sinks.srt_access import StreamId, parse_stream_id


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", StreamId("")),
        ("theatre 3", StreamId("theatre 3")),
        ("u=expert", StreamId("u=expert")),
        (
            "#!::r=or3/main,m=request,u=expert-1",
            StreamId(
                "#!::r=or3/main,m=request,u=expert-1",
                user="expert-1",
                resource="or3/main",
                mode="request",
                keys={"r": "or3/main", "m": "request", "u": "expert-1"},
            ),
        ),
        ("#!::t=stream", StreamId("#!::t=stream", kind="stream", keys={"t": "stream"})),
        ("#!::acme_room=a=b", StreamId("#!::acme_room=a=b", keys={"acme_room": "a=b"})),
    ],
)
def test_stream_id_says_what_it_says(text: str, said: StreamId) -> None:
    assert parse_stream_id(text) == said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#!", "after '#!' must come '::'"),
        ("#!:{u=a}", "after '#!' must come '::'"),
        ("#!::", "'' is not key=value"),
        ("#!::u", "'u' is not key=value"),
        ("#!::u=", "'u=' is not key=value"),
        ("#!::u=a,", "'' is not key=value"),
        ("#!::u=a\n", "is not key=value"),
        ("#!::=a", "key '' is none of"),
        ("#!::x=a", "key 'x' is none of h, m, r, s, t, u"),
        ("#!::user=a", "key 'user' is none of"),
        ("#!:: u=a", "key ' u' is none of"),
        ("#!::u=a,u=b", "key 'u' stands twice"),
        ("#!::m=listen", "m='listen' is not one of request, publish, bidirectional"),
        ("#!::t=tape", "is not one of stream, file, auth"),
    ],
)
def test_what_is_not_the_syntax_is_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_stream_id(text)
    assert message in str(refused.value)
    assert refused.value.code == "bad_stream_id"
