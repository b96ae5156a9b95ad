# SPDX-License-Identifier: Apache-2.0
"""A refusal must reach the user: every client prints our text, for every code that we use."""
import pytest

from clients import CLIENTS, plain_link, run
from expectations import CODES, MAX_TEXT_BYTES, expected_output
from refuser import CONNECTION_ID, Refuser

SHORT = "tidblink: the cluster 'orders' is PAUSED. Run: tidblink wait orders"


def numbered_text(size):
    """A text that shows which of its bytes arrived."""
    return ("tidblink: " + " ".join(f"{i:03d}" for i in range(size)))[:size]


def refuse(client, errno, text, state=None):
    """Returns what the client printed and what it should have printed."""
    with Refuser(errno, text, state) as server:
        result = run(client, server.host, server.port, "app", "secret", "test", "print-error",
                     link=plain_link(client))
    assert result.code != 0
    assert result.stdout == ""
    return result.stderr, expected_output(
        client, errno, text, state, server.host, server.port, CONNECTION_ID)


@pytest.mark.parametrize("errno", CODES)
@pytest.mark.parametrize("client", CLIENTS)
def test_before_the_greeting(client, errno, refusal_cell, available):
    for text in SHORT, numbered_text(MAX_TEXT_BYTES):
        printed, expected = refuse(client, errno, text)
        assert printed == expected
    refusal_cell(text, printed)


@pytest.mark.parametrize("errno, state", [
    (1043, "08S01"), (1053, "08S01"), (1105, "HY000"), (3159, "HY000")])
@pytest.mark.parametrize("client", CLIENTS)
def test_after_the_clients_answer(client, errno, state, available):
    for text in SHORT, numbered_text(MAX_TEXT_BYTES):
        printed, expected = refuse(client, errno, text, state)
        assert printed == expected


@pytest.mark.parametrize("state", [None, "HY000"])
@pytest.mark.parametrize("client", CLIENTS)
def test_where_a_longer_text_is_cut(client, state, available):
    """Why MAX_TEXT_BYTES is what it is."""
    printed, expected = refuse(client, 1105, numbered_text(600), state)
    assert printed == expected
