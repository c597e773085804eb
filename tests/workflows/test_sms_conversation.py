"""A conversation by SMS from end to end: Twilio hands over each reply, workflows on a real Temporal server go on with it, and
its text stays in the store."""

from __future__ import annotations

from pathlib import Path

from idic.journeys_folder import compile_folder
from tests.journey.compiled import written
from tests.providers.inbound_sms import hand_over, listening
from tests.providers.twilio.conftest import TO
from tests.workflows.test_temporal import Skipping, time_skips

RESERVE = """
journey: reserve
purpose: marketing
topic: offers
identify: {on: Started, again: always}
interact:
  - {id: ask, send: question, by: sms}
  - id: answer
    wait_for:
      - on: Replied
        of: ask
        if: event.keyword == "yes"
        then: [{id: confirm, send: reserved, by: sms}, {id: rest, wait: 2 days}]
    within: 1 day
    otherwise: exit silence
customize:
  question: {sms: "Shall we keep a bag of the new roast for you?"}
  reserved: {sms: "It is yours."}
"""


async def sent(skipping: Skipping) -> list[str]:
    rows = sorted(await skipping.world.touches(), key=lambda row: (row.claimed_at, row.step))
    return [row.message for row in rows if row.status == "sent"]


async def test_yes_goes_on_stop_ends_it_and_is_answered_once(tmp_path: Path) -> None:
    answers = compile_folder(Path(__file__).parents[2] / "journeys").programs["sms_answers"]
    async with time_skips(tmp_path) as skipping, listening(skipping.world.store) as api:

        async def says(text: str, id_: str) -> None:
            await skipping.time.catch_up()
            assert (await hand_over(api, text, id_)).status_code == 200
            await skipping.world.route_all()
            await skipping.tell()
            await skipping.passes(minutes=1)

        world = skipping.world
        await world.publish(*written("events: {Started: {n: number}}\n", RESERVE), answers)
        anna = await world.customer(phone=TO)
        await skipping.happens(anna, "Consent Given", {"channel": "sms"}, kind="own")
        await skipping.happens(anna, "Started")
        await skipping.passes(minutes=1)
        assert await sent(skipping) == ["question"]

        await says("Who is this, a secret admirer?", "SM01")
        assert await sent(skipping) == ["question"]
        await says("Ja!", "SM02")
        await says("Ja!", "SM02")
        assert await sent(skipping) == ["question", "reserved"]

        await says("STOP", "SM03")
        await says("STOP", "SM03")
        assert await sent(skipping) == ["question", "reserved", "stopped"]  # service, and the answer to this very word
        await skipping.happens(anna, "Started")
        await skipping.passes(minutes=1)
        await says("HELP", "SM04")  # is answered whatever they want
        assert sorted(await sent(skipping)) == ["help", "question", "reserved", "stopped"]

        await says("START", "SM05")
        assert sorted(await sent(skipping)) == ["help", "question", "reserved", "started", "stopped"]
        await skipping.passes(days=3)
        await skipping.happens(anna, "Started")
        await skipping.passes(minutes=1)
        assert (await sent(skipping))[5:] == ["question"]

        for enrollment in {row.enrollment_id for row in await world.touches()}:
            history = (await skipping.env.client.get_workflow_handle(enrollment).fetch_history()).to_json()
            for private in ("secret", "Ja!", "STOP", TO, TO.removeprefix("+")):
                assert private not in history
