"""The content of slots: which visitor sees what, and for how long."""

from __future__ import annotations

import json

from idic.interact.tracking.visitors import Proofs
from idic.store.journey import programs
from idic.store.tables import copies, customers, identities
from tests.api.web.site import BODY, CART, PROOF_KEY, WRITE_KEY, Site, content, journey
from tests.conftest import START
from tests.journey.programs import send, to, wait


async def test_an_anonymous_visitor_sees_their_content(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcome(firstName="<b>Anna</b>")
    shown = (await site.view())["home_hero"]
    assert shown["html"] == BODY.replace('{{ customer.first_name | default: "you" }}', "&lt;b&gt;Anna&lt;/b&gt;")
    assert shown["ends_in"] == 48 * 3600
    assert site.links.read_placement(shown["token"]) == (await site.placement())["touch_id"]
    assert (await site.placement())["links"] == [CART]
    assert await site.view("browser-2") == {}
    (copy,) = await site.rows(copies.select())
    assert (copy["address"], copy["html"]) == ("home_hero", shown["html"])
    assert copy["text"] == f"Welcome back, <b>Anna</b>!\n\nYour cart ({CART})"


async def test_the_time_a_customer_was_seen_is_updated_once_an_hour(site: Site) -> None:
    await site.view()
    assert await site.seen_at() == []
    await site.send_event("Cart Updated", "browser-1")
    assert await site.seen_at() == [None]
    await site.view()
    site.clock.advance(minutes=59)
    await site.view()
    assert await site.seen_at() == [START]
    site.clock.advance(minutes=1)
    await site.view()
    assert await site.seen_at() == [site.clock.now()]


async def test_a_customer_with_a_proof_sees_their_content_in_any_browser(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcome(user="anna")
    assert (await site.view_as("anna")).keys() == {"home_hero"}
    assert (await site.view_as("anna", anonymous="never-seen")).keys() == {"home_hero"}
    assert (await site.view_as("anna", anonymous=None)).keys() == {"home_hero"}
    old = Proofs(["the key of last year"]).prove("anna").upper()
    assert (await site.view(userId="anna", proof=old)).keys() == {"home_hero"}


async def test_a_wrong_proof_is_refused(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcome(user="anna")
    of_another, by_another = Proofs([PROOF_KEY]).prove("berta"), Proofs(["somebody else's key"]).prove("anna")
    for proof in (None, "", "0" * 64, 7, "ü", "\ud800", of_another, by_another):
        answer = await site.request_content(userId="anna", proof=proof)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "proof_wrong"
        assert "slots" not in answer.json()


async def test_an_anonymous_id_that_belongs_to_a_known_customer_shows_nothing(site: Site) -> None:
    """Also their own: it may be somebody else at the same computer, or with an id they saw."""
    await site.world.publish(journey())
    await site.welcome(anonymous="browser-1", user="anna")
    assert await site.view("browser-1") == {}
    assert await site.view("browser-1", proof=Proofs([PROOF_KEY]).prove("anna")) == {}
    assert await site.view("anna") == {}
    berta = {"userId": "berta", "proof": Proofs([PROOF_KEY]).prove("berta")}
    assert await site.view("browser-1", **berta) == {}


async def test_content_of_an_anonymous_visitor_moves_to_the_signed_in_customer(site: Site) -> None:
    """And from then on nobody sees it without a proof, merged into another customer or named themselves."""
    await site.world.publish(journey())
    await site.send_event("identify", user="anna")
    for browser, user in (("browser-1", "anna"), ("browser-2", "new")):
        await site.welcome(browser)
        assert (await site.view(browser)).keys() == {"home_hero"}
        await site.send_event("identify", browser, user)
        assert await site.view(browser) == {}
        assert (await site.view_as(user)).keys() == {"home_hero"}


async def test_a_visitor_without_a_proof_does_not_count_as_seen(site: Site) -> None:
    await site.send_event("identify", "browser-1", "anna")
    await site.view("browser-1")
    assert await site.seen_at() == [None]


async def test_identities_of_merged_customers_are_followed(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcome()
    (row,) = await site.rows(customers.select())
    older = {"id": "a" * 32, "traits": {}, "merged_into": "b" * 32, "created_at": START, "updated_at": START}
    await site.store.move("older", lambda tx: tx.execute(customers.insert().values(older)))
    newer = {**older, "id": "b" * 32, "merged_into": row["id"]}
    await site.store.move("newer", lambda tx: tx.execute(customers.insert().values(newer)))
    moved = identities.update().values(customer_id="a" * 32)
    await site.store.move("back", lambda tx: tx.execute(moved))
    assert (await site.view()).keys() == {"home_hero"}


async def test_the_newest_content_is_shown_and_after_its_end_the_previous_one(site: Site) -> None:
    await site.world.publish(
        journey(messages=content(body="<p>old</p>")),
        journey(journey="sooner", messages=content(body="<p>new</p>", hours=1)),
    )
    await site.send_event("identify", "browser-1")
    await site.view()
    await site.send_event("Signed Up", "browser-1")
    first = (await site.view())["home_hero"]["html"]
    assert first in {"<p>old</p>", "<p>new</p>"}
    site.clock.advance(hours=1)
    assert (await site.view())["home_hero"]["html"] == "<p>old</p>"


async def test_content_ends_when_its_time_is_over(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcome()
    site.clock.advance(hours=47, minutes=59)
    assert (await site.view())["home_hero"]["ends_in"] == 60
    site.clock.advance(minutes=1)
    assert await site.view() == {}


async def test_content_ends_with_the_goal(site: Site) -> None:
    await site.world.publish(journey(send("show", to("rest"), channels=("web",)), wait("rest", 500)))
    await site.welcome()
    await site.send_event("Order Completed", "browser-1")
    assert await site.view() == {}
    assert (await site.placement())["ended"] == "goal"


async def test_slots_without_content_are_left_out(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcome()
    assert (await site.view(slots=["home_hero", "basket", "constructor"])).keys() == {"home_hero"}
    assert await site.view(slots=["basket"]) == {}
    assert await site.view(slots=[]) == {}


async def test_undeclared_slots_are_reported(site: Site) -> None:
    document = {"slots": {"home_hero": "banner on the home page"}}
    await site.store.move("publish", lambda tx: programs.publish_vocabulary(tx, document, tx.now()))
    answer = await site.request_content(slots=["home_hero", "home_herro"])
    assert answer.json() == {"slots": {}, "unknown": ["home_herro"]}


INVALID_REQUESTS: list[tuple[dict[str, object], int, str]] = [
    ({"slots": [f"slot-{n}" for n in range(10_000)]}, 400, "names 10000 slots; a page has at most 20"),
    ({"slots": ["home hero"]}, 400, "a slot name has at most 64 letters, digits, _ and -"),
    ({"slots": ["x" * 65]}, 400, "a slot name has at most 64 letters, digits, _ and -"),
    ({"slots": [None]}, 400, "a slot name has at most 64 letters, digits, _ and -"),
    ({"slots": "home_hero"}, 400, "must be a list of slot names"),
    ({"anonymousId": None}, 400, "is missing"),
    ({"anonymousId": "x" * 256}, 400, "has 256 characters; at most 255 are kept"),
    ({"anonymousId": "\0"}, 400, "holds a NUL character (\\u0000), which cannot be stored"),
    ({"userId": {"$ne": 1}}, 400, "must be text or a number"),
    ({"writeKey": "sk"}, 401, "a write key is needed, as writeKey in the body"),
    ({"slots": ["x" * 300_000]}, 413, "the body has more than 262144 bytes, the most that is read here"),
]


async def test_invalid_requests_are_refused(site: Site) -> None:
    for asked, status, told in INVALID_REQUESTS:
        for path in ("content", "stream"):
            body = json.dumps({"writeKey": WRITE_KEY, "anonymousId": "browser-1", "slots": ["home_hero"], **asked})
            answer = await site.browser.post(f"/v1/web/{path}", content=body)
            assert (answer.status_code, answer.json()["error"]["message"]) == (status, told)
