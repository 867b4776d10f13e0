"""What `pipectl topics show -o json` makes of a record's value."""

import pytest

from cli.commands.topics import _value


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b'{"price": 1.5}', {"price": 1.5}),
        (b"plain", "plain"),
        # Neither is JSON, or can be printed as such.
        (b'{"price": NaN}', '{"price": NaN}'),
        (b"[1e999]", "[1e999]"),
        (b"[" * 100_000, "[" * 100_000),
        (b"9" * 5000, "9" * 5000),
        (b"\xff", {"base64": "/w=="}),
        (None, None),
    ],
    ids=["json", "text", "nan", "infinite", "deep", "long", "bytes", "null"],
)
def test_a_value_is_shown_as_json_or_as_it_is(data, shown):
    assert _value(data, as_bytes=False) == shown
