"""The live page of a real deployment, in a real browser, through the cluster's front door."""

import json
import urllib.error
import urllib.request

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

WAIT_MS = 60_000


def test_a_browser_with_the_link_sees_the_charts_move(pipectl, bundle, browser):
    link = pipectl.run("open").stdout.strip()
    context = browser.new_context(viewport={"width": 1200, "height": 620})
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    complaints, sockets = [], []
    page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(link)
    page.wait_for_function("() => document.querySelectorAll('.card[data-state=fresh]').length === 5")
    assert page.url == bundle["endpoints"]["dashboard"]
    assert "/service/volatility-dashboard/socket.io/" in sockets[0]
    before = page.evaluate("() => [...document.querySelectorAll('canvas')].map(one => one.toDataURL())")
    moved = (
        "before => [...document.querySelectorAll('canvas')].every((one, n) => one.toDataURL() !== before[n])"
    )
    page.wait_for_function(moved, arg=before)
    page.keyboard.press("2")
    page.wait_for_function("() => document.querySelectorAll('.state[data-state=healthy]').length === 6")
    assert "job RUNNING" in page.text_content(".flow")
    page.keyboard.press("3")
    page.wait_for_function("() => document.querySelectorAll('.flows li').length === 8")
    page.click("a:text-is('/socket.io/random-numbers')")
    page.wait_for_function("() => /over Socket.IO/.test(document.querySelector('#age')?.textContent)")
    assert page.url == bundle["endpoints"]["dashboard"] + "socket.io/random-numbers"
    page.wait_for_selector("#connection[data-state=live]")
    context.close()
    assert complaints == []
    with pytest.raises(urllib.error.HTTPError, match="410"):
        urllib.request.urlopen(link).close()


def test_flinks_own_page_opens_by_a_link(pipectl, bundle, browser):
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(pipectl.run("open", "flink").stdout.strip())
    page.wait_for_selector("text=volatility.gatherer")
    assert page.url.startswith(bundle["endpoints"]["flink"])
    page.close()


def test_limits_that_the_form_sets_are_those_of_the_command_line(pipectl, bundle, browser):
    pipectl.run("limits", "clear", "--all")  # those that the first deploy set
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(pipectl.run("open").stdout.strip())
    page.click(".card[data-symbol=AAPL]")
    page.wait_for_selector("#windows tbody tr")
    page.fill("#limits [name=buy]", "0.01")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#limits output').textContent === 'Set.'")
    (limits,) = pipectl.json("limits", "list")
    assert (limits["symbol"], limits["buy"], limits["sell"]) == ("AAPL", 0.01, None)
    pipectl.run("limits", "clear", "AAPL")
    page.wait_for_function("() => document.querySelector('#limits [name=buy]').value === ''")
    page.close()


def test_its_api_is_behind_the_token_and_agrees_with_status(pipectl, bundle):
    address = bundle["endpoints"]["dashboard"] + "api/status"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(address).close()
    token = pipectl.json("cluster", "env")["DCOS_ACS_TOKEN"]
    request = urllib.request.Request(address, headers={"Authorization": f"token={token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        seen = json.load(answer)
    assert seen["healthy"] is True
    assert [one["symbol"] for one in seen["positions"]] == ["AAPL", "AMZN", "GOOG", "MSFT", "TSLA"]
    (gatherer,) = (one for one in seen["components"] if one["name"] == "gatherer")
    assert gatherer["checkpoints"] > 0
    assert 0 <= gatherer["lag"] < 25_000
