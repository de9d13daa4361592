"""What needs no server: errors, waits, ids, lines, addresses."""

from __future__ import annotations

import base64
import copy
import math
import pickle
import random
import time
from typing import cast

import pytest

from runwire import BusyError, ConnectionError, InvalidError, Line, RuntimeEvent, Runwire
from runwire.errors import FieldError, lost
from runwire.event_lines import EventLines
from runwire.lines import Lines
from runwire.new_id import new_id
from runwire.patience import Patience
from runwire.retry_after import retry_after_seconds


def test_it_is_not_asked_again_before_retry_after() -> None:
    busy = BusyError("full", code="queue_full", retry_after_seconds=7)
    assert Patience(60).after(busy) == 7


def test_waits_grow_up_to_5_s_and_begin_anew_when_the_server_was_there() -> None:
    patience = Patience(math.inf)
    waits = [patience.after(lost("lost")) for _ in range(12)]
    for failures, wait in enumerate(waits):
        full = min(5, 0.1 * 2**failures)
        assert full / 2 <= wait <= full
    patience.renew()
    assert patience.after(lost("lost")) <= 0.1


def test_patience_ends_and_what_waiting_does_not_help_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    patience = Patience(1)
    error = lost("lost")
    with pytest.raises(ConnectionError) as caught:
        while True:
            clock[0] += patience.after(error)
    assert caught.value is error
    assert 0 < clock[0] <= 1
    invalid = InvalidError("no", code="bad_request")
    with pytest.raises(InvalidError):
        Patience(60).after(invalid)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("3", 3),
        (" 0 ", 0),
        ("Wed, 21 Oct 2026 07:28:10 GMT", 10),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0),
        ("soon", None),
        ("-1", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, 1792567680) == seconds


def test_ids_are_sortable_and_not_the_same() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert [id[:13] for id in ids] == sorted(id[:13] for id in ids)
    assert {id[14] for id in ids} == {"7"}
    assert {id[19] for id in ids} <= set("89ab")


def test_an_error_keeps_its_facts_where_it_is_copied_and_where_it_crosses_processes() -> None:
    error = InvalidError("no", code="bad", status=422, errors=[FieldError("a", "b")])
    lost_one = ConnectionError("lost", code="connection_lost")
    for given in (error, lost_one):
        for again in (copy.copy(given), pickle.loads(pickle.dumps(given))):
            assert type(again) is type(given)
            assert str(again) == str(given)
            assert again.__dict__ == given.__dict__


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://x", "http or https"),
        ("http://user:password@x", "no user"),
        ("http://x/?a", "no user"),
        ("x", "http or https"),
        ("http://", "http or https"),
        ("http://x:y", "none"),
    ],
)
def test_what_is_no_address_of_a_server_is_refused(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Runwire(url)


def test_what_is_no_token_and_no_number_of_seconds_is_refused() -> None:
    for token in ("", "a\r\nb: c", "ä"):
        with pytest.raises(ValueError, match="token"):
            Runwire("http://x", token)
    for seconds in (-1, math.nan, "3"):
        with pytest.raises(ValueError, match="idle_seconds"):
            Runwire("http://x", idle_seconds=seconds)  # type: ignore[arg-type]


def output(pieces: list[bytes], *, text: bool) -> list[RuntimeEvent]:
    """As the server tells of bytes."""
    return [
        cast(
            RuntimeEvent,
            {
                "type": "stdout",
                "phase": "command",
                "time": "t",
                **({"text": piece.decode()} if text else {"base64": base64.b64encode(piece).decode()}),
            },
        )
        for piece in pieces
    ]


def lines_of(events: list[RuntimeEvent], most: int = 1 << 20) -> list[Line]:
    lines = Lines(None, "command", most)
    end = cast(RuntimeEvent, {"type": "finished", "time": "end"})
    return [line for event in [*events, end] for line in lines.feed(event)]


def test_lines_are_the_same_however_they_come_in_pieces() -> None:
    content = "one\r\ntwo ü😀\n\n\u2028not a line\x85nor this\nlast".encode() + b"\xff\xc3"
    whole = [line.text for line in lines_of(output([content], text=False))]
    assert whole == ["one", "two ü😀", "", "\u2028not a line\x85nor this", "last\ufffd\ufffd"]
    chance = random.Random(7)
    for _ in range(300):
        cuts = sorted(chance.sample(range(1, len(content)), chance.randint(0, 9)))
        pieces = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
        lines = lines_of(output(pieces, text=False))
        assert [line.text for line in lines] == whole
        assert [line.partial for line in lines] == [False] * 4 + [True]


def test_what_is_left_of_bytes_ends_where_text_comes() -> None:
    lines = lines_of([*output([b"a\xc3"], text=False), *output(["ä\n".encode()], text=True)])
    assert [line.text for line in lines] == ["a\ufffdä"]


def test_a_very_long_line_comes_in_parts() -> None:
    lines = lines_of(output([b"abcdefg\nhi", b"jk\n"], text=True), 3)
    assert [(line.text, line.partial) for line in lines] == [
        ("abc", True),
        ("def", True),
        ("g", False),
        ("hij", True),
        ("k", False),
    ]
    with pytest.raises(ValueError):
        Lines(None, "both", 0)


def test_events_are_the_same_however_they_come_in_pieces() -> None:
    stream = ': \n\nid: 1\nevent: x\ndata: {"seq":1,"text":"ä\\n"}\n\nid: 2\ndata: {"seq":2}\n\ndata: {"se'.encode()
    for size in (1, 2, 7, 1000):
        lines = EventLines()
        told = [e for at in range(0, len(stream), size) for e in lines.feed(stream[at : at + size])]
        assert told == [{"seq": 1, "text": "ä\n"}, {"seq": 2}]
