"""Looking at the page in a real browser, and keeping what it showed."""

import re
import time
from contextlib import contextmanager
from pathlib import Path

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
WAIT_MS = 40_000


@contextmanager
def looking(browser, address, *, may_lose_connection=False, refused=(), others=(), **options):
    """A page at `address`; in the end its console must hold no error, and all it asked for is of its host.

    refused: the statuses of requests that are meant to be refused, which a browser complains about too.
    others: further hosts that the page may ask; a browser complains if it may not read their answer.
    """
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(**{"viewport": {"width": 1200, "height": 760}, **options})
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    complaints, hosts = [], set()
    page.on("console", lambda one: complaints.append(one.text) if one.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(re.sub(r"^\w+://([^/]+).*", r"\1", request.url)))
    page.goto(address)
    try:
        yield page
    finally:
        page.screenshot(path=SCREENSHOTS / f"{time.time_ns()}.png")
        context.close()
    lost = ("ERR_CONNECTION_REFUSED", "WebSocket", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET")
    expected = (*(lost if may_lose_connection else ()), *(f"status of {code}" for code in refused))
    expected += ("blocked by CORS policy", "ERR_FAILED") if others else ()
    assert not [text for text in complaints if not any(part in text for part in expected)]
    assert len(hosts - {"about:blank", *others}) == 1
