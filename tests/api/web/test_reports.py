"""Reports of pages about their content: shown, clicked."""

from __future__ import annotations

import pytest

from idic.journey.program.content import Message
from idic.store.tables import touches
from tests.api.web.site import CART, Site, content, journey
from tests.journey.programs import arm, out, send, to, wait, wait_for


@pytest.fixture
async def token(site: Site) -> str:
    await site.world.publish(journey())
    await site.welcome()
    token: str = (await site.view())["home_hero"]["token"]
    return token


def about(**more: str) -> dict[str, str]:
    return {"step": "show", "channel": "web", **more}


async def test_shown_is_recorded_once_and_every_click(site: Site, token: str) -> None:
    for _ in range(2):
        assert (await site.report("shown", token=token)).json() == {"recorded": True}
        assert (await site.report("clicked", token=token, url=f" {CART}\n")).json() == {"recorded": True}
    clicked = ("Link Clicked", about(url=CART))
    assert await site.own_events() == [("Message Shown", about()), clicked, clicked]
    await site.settle()
    (touch,) = await site.rows(touches.select())
    assert touch["shown_at"] == touch["clicked_at"] == site.clock.now()
    assert (await site.view()).keys() == {"home_hero"}


async def test_journeys_can_wait_until_content_is_shown(site: Site) -> None:
    seen = wait_for("seen", 5, arm("Message Shown", out("seen"), of="show"), otherwise=out("unseen"))
    await site.world.publish(journey(send("show", to("seen"), channels=("web",)), seen))
    await site.welcome()
    await site.report("shown", token=(await site.view())["home_hero"]["token"])
    await site.settle()
    assert await site.world.ending() == "seen"


async def test_content_until_click_ends_with_the_click(site: Site) -> None:
    messages = content(ends_on_click=True)
    await site.world.publish(journey(send("show", to("rest"), channels=("web",)), wait("rest", 500), messages=messages))
    await site.welcome()
    token = (await site.view())["home_hero"]["token"]
    await site.report("clicked", token=token, url=CART)
    assert await site.view() == {}
    await site.settle()
    assert (await site.placement())["ended"] == "click"


async def test_an_answer_link_is_recorded_by_its_own_page(site: Site) -> None:
    body = """<a href="{{ 'espresso' | answer }}">Espresso</a>"""
    messages: dict[str, Message] = content(body=body, ends_on_click=True)
    await site.world.publish(journey(messages=messages))
    await site.welcome()
    shown = (await site.view())["home_hero"]
    (url,) = (await site.placement())["links"]
    assert "/a/" in url
    assert (await site.report("clicked", token=shown["token"], url=url)).json() == {"recorded": False}
    assert await site.own_events() == []
    assert await site.view() == {}


async def test_only_links_of_the_content_can_be_clicked(site: Site, token: str) -> None:
    for url in ("https://evil.example/", CART.partition("&")[0], "", None, 7, [CART], "/cart"):
        answer = await site.report("clicked", token=token, url=url)
        assert answer.status_code == 400
        assert answer.json()["error"]["where"] == "url"
    assert await site.own_events() == []


async def test_forged_tokens_report_nothing(site: Site, token: str) -> None:
    touch = (await site.placement())["touch_id"]
    others = [site.links.click(touch, CART), site.links.unsubscribe(touch), site.links.answer(touch, "yes")]
    forged = [f"{token}x", token[:-3], touch, "", None, 7, *(url.rpartition("/")[2] for url in others)]
    for one in forged:
        for report in ("shown", "clicked"):
            assert (await site.report(report, token=one, url=CART)).status_code == 400
    assert await site.own_events() == []


async def test_a_token_of_removed_content_is_not_found(site: Site) -> None:
    token = site.links.placement("f" * 32)
    assert (await site.report("shown", token=token)).status_code == 404
    assert (await site.report("clicked", token=token, url=CART)).status_code == 404


async def test_after_the_end_clicks_count_and_shown_counts_for_a_minute(site: Site, token: str) -> None:
    site.clock.advance(hours=48, seconds=61)
    assert (await site.report("shown", token=token)).json() == {"recorded": False}
    site.clock.advance(seconds=-2)
    assert (await site.report("shown", token=token)).json() == {"recorded": True}
    assert (await site.report("clicked", token=token, url=CART)).json() == {"recorded": True}
    assert [name for name, _ in await site.own_events()] == ["Message Shown", "Link Clicked"]


async def test_oversized_reports_are_refused(site: Site, token: str) -> None:
    assert (await site.report("clicked", token=token, url="x" * 10_000)).status_code == 413
