"""The content of slots: which visitor sees what, and for how long."""

from __future__ import annotations

import json

from idic.interact.tracking.visitors import Proofs
from idic.store.journey import programs
from idic.store.tables import copies, customers, identities
from tests.api.web.site import BODY, CART, PROOF_KEY, WRITE_KEY, Site, content, journey
from tests.conftest import START
from tests.journey.programs import send, to, wait


async def test_an_anonymous_visitor_sees_what_is_meant_for_them(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcomed(firstName="<b>Anna</b>")
    shown = (await site.sees())["home_hero"]
    assert shown["html"] == BODY.replace('{{ customer.first_name | default: "you" }}', "&lt;b&gt;Anna&lt;/b&gt;")
    assert shown["ends_in"] == 48 * 3600
    assert site.links.read_placement(shown["token"]) == (await site.placement())["touch_id"]
    assert (await site.placement())["links"] == [CART]
    assert await site.sees("browser-2") == {}
    (copy,) = await site.rows(copies.select())
    assert (copy["address"], copy["html"]) == ("home_hero", shown["html"])
    assert copy["text"] == f"Welcome back, <b>Anna</b>!\n\nYour cart ({CART})"


async def test_a_visitor_is_known_on_the_web_once_they_are_a_customer_and_to_the_hour(site: Site) -> None:
    await site.sees()
    assert await site.seen_at() == []
    await site.happens("Cart Updated", "browser-1")
    assert await site.seen_at() == [None]
    await site.sees()
    site.clock.advance(minutes=59)
    await site.sees()
    assert await site.seen_at() == [START]
    site.clock.advance(minutes=1)
    await site.sees()
    assert await site.seen_at() == [site.clock.now()]


async def test_a_known_customer_sees_theirs_with_a_proof_on_any_browser(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcomed(user="anna")
    assert (await site.sees_as("anna")).keys() == {"home_hero"}
    assert (await site.sees_as("anna", anonymous="never-seen")).keys() == {"home_hero"}
    assert (await site.sees_as("anna", anonymous=None)).keys() == {"home_hero"}
    old = Proofs(["the key of last year"]).prove("anna").upper()
    assert (await site.sees(userId="anna", proof=old)).keys() == {"home_hero"}


async def test_a_browser_that_lies_about_who_it_is_is_told_so_and_sees_nothing(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcomed(user="anna")
    of_another, by_another = Proofs([PROOF_KEY]).prove("berta"), Proofs(["somebody else's key"]).prove("anna")
    for proof in (None, "", "0" * 64, 7, "ü", "\ud800", of_another, by_another):
        answer = await site.asks(userId="anna", proof=proof)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "proof_wrong"
        assert "slots" not in answer.json()


async def test_an_anonymous_id_that_belongs_to_a_known_customer_shows_nothing(site: Site) -> None:
    """Also their own: it may be somebody else at the same computer, or with an id they saw."""
    await site.world.publish(journey())
    await site.welcomed(anonymous="browser-1", user="anna")
    assert await site.sees("browser-1") == {}
    assert await site.sees("browser-1", proof=Proofs([PROOF_KEY]).prove("anna")) == {}
    assert await site.sees("anna") == {}
    berta = {"userId": "berta", "proof": Proofs([PROOF_KEY]).prove("berta")}
    assert await site.sees("browser-1", **berta) == {}


async def test_who_signs_in_takes_along_what_was_meant_for_the_anonymous(site: Site) -> None:
    """And from then on nobody sees it without a proof, merged into another customer or named themselves."""
    await site.world.publish(journey())
    await site.happens("identify", user="anna")
    for browser, user in (("browser-1", "anna"), ("browser-2", "new")):
        await site.welcomed(browser)
        assert (await site.sees(browser)).keys() == {"home_hero"}
        await site.happens("identify", browser, user)
        assert await site.sees(browser) == {}
        assert (await site.sees_as(user)).keys() == {"home_hero"}


async def test_a_visitor_who_cannot_prove_it_does_not_count_as_seen(site: Site) -> None:
    await site.happens("identify", "browser-1", "anna")
    await site.sees("browser-1")
    assert await site.seen_at() == [None]


async def test_identities_of_customers_merged_long_ago_are_followed(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcomed()
    (row,) = await site.rows(customers.select())
    older = {"id": "a" * 32, "traits": {}, "merged_into": "b" * 32, "created_at": START, "updated_at": START}
    await site.store.move("older", lambda tx: tx.execute(customers.insert().values(older)))
    newer = {**older, "id": "b" * 32, "merged_into": row["id"]}
    await site.store.move("newer", lambda tx: tx.execute(customers.insert().values(newer)))
    moved = identities.update().values(customer_id="a" * 32)
    await site.store.move("back", lambda tx: tx.execute(moved))
    assert (await site.sees()).keys() == {"home_hero"}


async def test_the_newest_is_shown_and_when_it_ends_the_one_before(site: Site) -> None:
    await site.world.publish(
        journey(messages=content(body="<p>old</p>")),
        journey(journey="sooner", messages=content(body="<p>new</p>", hours=1)),
    )
    await site.happens("identify", "browser-1")
    await site.sees()
    await site.happens("Signed Up", "browser-1")
    first = (await site.sees())["home_hero"]["html"]
    assert first in {"<p>old</p>", "<p>new</p>"}
    site.clock.advance(hours=1)
    assert (await site.sees())["home_hero"]["html"] == "<p>old</p>"


async def test_it_ends_when_its_time_is_over(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcomed()
    site.clock.advance(hours=47, minutes=59)
    assert (await site.sees())["home_hero"]["ends_in"] == 60
    site.clock.advance(minutes=1)
    assert await site.sees() == {}


async def test_it_ends_with_the_goal(site: Site) -> None:
    await site.world.publish(journey(send("show", to("rest"), channels=("web",)), wait("rest", 500)))
    await site.welcomed()
    await site.happens("Order Completed", "browser-1")
    assert await site.sees() == {}
    assert (await site.placement())["ended"] == "goal"


async def test_slots_that_nobody_fills_are_empty_and_those_nobody_declared_are_named(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcomed()
    assert (await site.sees(slots=["home_hero", "basket", "constructor"])).keys() == {"home_hero"}
    assert await site.sees(slots=["basket"]) == {}
    assert await site.sees(slots=[]) == {}


async def test_slots_nobody_declared_are_named(site: Site) -> None:
    document = {"slots": {"home_hero": "banner on the home page"}}
    await site.store.move("publish", lambda tx: programs.publish_vocabulary(tx, document, tx.now()))
    answer = await site.asks(slots=["home_hero", "home_herro"])
    assert answer.json() == {"slots": {}, "unknown": ["home_herro"]}


NOT_TO_BE_ASKED: list[tuple[dict[str, object], int, str]] = [
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


async def test_what_cannot_be_asked(site: Site) -> None:
    for asked, status, told in NOT_TO_BE_ASKED:
        for path in ("content", "stream"):
            body = json.dumps({"writeKey": WRITE_KEY, "anonymousId": "browser-1", "slots": ["home_hero"], **asked})
            answer = await site.browser.post(f"/v1/web/{path}", content=body)
            assert (answer.status_code, answer.json()["error"]["message"]) == (status, told)
