"""Trouble as it is committed, told and passed on."""

import json
from datetime import UTC, datetime

import pytest

from kafka_topic.errors import ContractError
from kafka_topic.trouble import Trouble, read_trouble, worst

SINCE = datetime(2026, 11, 22, 1, 2, 3, 4000, tzinfo=UTC)
CODES = ("gone", "leaderless", "denied", "corrupt", "codec", "unreadable", "lost")


def test_metadata_shows_what_is_wrong_and_since_when():
    metadata = '{"problem": "corrupt", "detail": "CRC of\\u001b[31m 17", "since": "2026-11-22 01:02:03.004"}'
    trouble = read_trouble(metadata, "position.A", 2)
    assert trouble == Trouble("corrupt", "position.A", 2, "CRC of [31m 17", SINCE)
    assert trouble.text == (
        "partition 2 of position.A holds records that can't be decoded: CRC of [31m 17 "
        "(since 2026-11-22 01:02:03.004 UTC)"
    )
    assert read_trouble('{"problem": "codec", "more": 1}', "t", 0) == Trouble("codec", "t", 0)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        "",
        "host-17",
        "null",
        "[" * 100_000,
        '{"problem": "corrupt", "detail": "cut of',
        '{"detail": "no code"}',
        '{"problem": "of tomorrow"}',
        '{"problem": []}',
        '{"problem": "lost", "detail": 17}',
        '{"problem": "lost", "since": "yesterday"}',
    ],
)
def test_metadata_of_another_form_is_no_trouble(metadata):
    assert read_trouble(metadata, "position.A", 0) is None


@pytest.mark.parametrize("code", CODES)
def test_each_trouble_has_words_a_next_step_and_a_json_form(code):
    whole, part = Trouble(code, "{t}"), Trouble(code, "{t}", 3, "Because.", SINCE)
    assert whole.text.startswith("{t} ")
    assert "{topic}" not in whole.next_step
    assert part.text.endswith(": Because (since 2026-11-22 01:02:03.004 UTC)")
    for trouble in (whole, part):
        passed_on = json.loads(json.dumps(trouble.fields()))
        assert Trouble.from_fields(passed_on) == trouble
        assert (passed_on["text"], passed_on["next"]) == (trouble.text, trouble.next_step)
    assert whole.stops == (code != "lost")


def test_the_json_form_is_checked():
    with pytest.raises(ContractError, match="partition"):
        Trouble.from_fields({"code": "gone", "topic": "t"})
    with pytest.raises(ContractError, match="code"):
        Trouble.from_fields({"code": "?", "topic": "t", "partition": None})


def test_the_worst_comes_first():
    troubles = [Trouble(code, "t", number) for number, code in enumerate(CODES)]
    assert [worst(troubles[first:]) for first in range(len(CODES))] == troubles
    assert worst(reversed(troubles)) == troubles[0]
    assert worst([]) is None
