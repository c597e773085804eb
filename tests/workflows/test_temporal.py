"""The driver on real Temporal servers: skipped time, replayed histories, and no personal data in them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    Replayer,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

import worker
from idic.interact.channels.contract import Later, Unsure
from idic.interact.endpoints import Caller
from idic.interact.policy.rules import Rule
from idic.interact.policy.touch_request import TouchRequest
from idic.journey.program.program import Program
from idic.journey.program.steps import Call
from idic.journey.program.values import Assignment, Attribute
from idic.journey.vocabulary.types import TEXT
from idic.journeys_folder import compile_folder
from idic.router.dispatch import dispatch
from idic.router.next_instruction import instruct
from idic.router.temporal import TemporalWorkflows, searchable
from idic.store import tables, temporal_outbox
from idic.store.database import Store
from idic.store.tables import PARTITIONS
from idic.store.upgrade import migrate
from tests.conftest import HandClock
from tests.interact.endpoints.services import HERE, HOST, SECRETS, TOKEN, Places, endpoint, resets, service
from tests.journey.programs import arm, condition, goal, hours, out, program, send, to, wait, wait_for
from tests.providers.twilio.scripted_twilio import saying
from tests.router.world import World
from tests.support.temporal_binaries import SERVER_FLAGS, TEMPORAL, TEST_SERVER
from workflows.enrollment import Enrollment

HISTORIES = Path(__file__).parent / "histories"
"""Histories of the released driver, one for each shape of program. A changed driver must replay them all."""


class ServerTime(Interceptor):
    """Sets idic's clock to the time-skipping server's before each activity."""

    def __init__(self, env: WorkflowEnvironment, clock: HandClock) -> None:
        self.env, self.clock = env, clock

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        outer = self

        class Inbound(ActivityInboundInterceptor):
            async def execute_activity(self, input: ExecuteActivityInput) -> Any:
                await outer.catch_up()
                return await self.next.execute_activity(input)

        return Inbound(next)

    async def catch_up(self) -> None:
        self.clock.instant = max(self.clock.instant, (await self.env.get_current_time()).astimezone(UTC))


class Skipping:
    """A world whose workflows run on a time-skipping server."""

    def __init__(self, env: WorkflowEnvironment, world: World, time: ServerTime) -> None:
        self.env, self.world, self.time = env, world, time
        self.engine = TemporalWorkflows(env.client)

    async def tell(self) -> None:
        await dispatch(self.world.store, self.world.runtime, self.engine, range(PARTITIONS))

    async def happens(self, customer: str, name: str, properties: dict[str, Any] | None = None, **more: Any) -> None:
        await self.time.catch_up()
        await self.world.happens(customer, name, properties, **more)
        await self.tell()

    async def passes(self, **span: float) -> None:
        await self.env.sleep(timedelta(**span))
        await self.tell()

    async def finished(self, enrollment: str) -> None:
        async with asyncio.timeout(60), self.env.time_skipping_unlocked():
            await self.env.client.get_workflow_handle(enrollment).result()


@pytest.fixture
async def skipping(tmp_path: Path) -> AsyncIterator[Skipping]:
    async with time_skips(tmp_path) as world:
        yield world


@contextlib.asynccontextmanager
async def time_skips(folder: Path, *besides: Rule) -> AsyncIterator[Skipping]:
    env = await WorkflowEnvironment.start_time_skipping(test_server_existing_path=TEST_SERVER)
    async with env:
        clock = HandClock((await env.get_current_time()).astimezone(UTC))
        store = Store.open(f"sqlite:///{folder}/idic.db", clock)
        await migrate(store)
        world = World(store, clock, *besides)
        time = ServerTime(env, clock)
        async with working(env.client, world, interceptors=[time]):
            yield Skipping(env, world, time)
        await store.close()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A development server in real time."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=TEMPORAL, dev_server_log_level="error", dev_server_extra_args=SERVER_FLAGS
    ) as env:
        yield env.client


def working(client: Client, world: World, **options: Any) -> contextlib.AbstractAsyncContextManager[None]:
    """Workers as in production, except for the sandbox and a patience that suits a test."""
    quick: Any = {"takeover": timedelta(seconds=1), "drain": timedelta(seconds=1), **options}
    return worker.working(
        client, world.store, world.runtime, [world.postman, world.sms, world.web], runner=SandboxedWorkflowRunner(), **quick
    )


@contextlib.asynccontextmanager
async def live(
    client: Client, store: Store, *programs: Program, besides: Sequence[Rule] = (), **options: Any
) -> AsyncIterator[World]:
    """A world on a development server, sandboxed, in real time."""
    world = World(store, HandClock(), *besides)
    store.clock = world.clock = _Wall()
    await world.publish(*programs)
    async with working(client, world, **options):
        yield world


class _Wall(HandClock):
    def __init__(self) -> None:
        super().__init__()
        self._source = lambda: datetime.now(UTC)


async def until(condition: Any, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_a_month_of_mails_in_seconds(skipping: Skipping) -> None:
    steps = [
        step for n in range(15) for step in (wait(f"rest_{n}", 48, to(f"mail_{n}")), send(f"mail_{n}", to(f"rest_{n + 1}")))
    ]
    await skipping.world.publish(program(*steps, wait("rest_15", 1)))
    anna = await skipping.world.customer()
    began = skipping.world.clock.now()
    await skipping.happens(anna, "Signed Up")
    one = await skipping.world.only()
    await skipping.finished(one.id)
    assert await skipping.world.ending() == "done"
    assert len(set(skipping.world.postman.taken)) == len(skipping.world.postman.taken) == 15
    assert skipping.world.clock.now() - began >= timedelta(days=30)


async def test_the_abandoned_cart_from_beginning_to_end(skipping: Skipping) -> None:
    compiled = compile_folder(Path(__file__).parents[2] / "journeys")
    await skipping.world.publish(compiled.programs["abandoned_cart"])
    anna = await skipping.world.customer(first_name="Anna", value_tier="high")
    await skipping.happens(anna, "Consent Given", {"channel": "email"})
    cart = {"cart_id": "c1", "total": 95, "items": [{"sku": "k1", "name": "Kettle", "qty": 1, "price": 95}]}
    await skipping.happens(anna, "Cart Updated", cart)
    await skipping.passes(hours=3)
    await skipping.happens(anna, "Cart Updated", cart)
    await skipping.passes(hours=3, minutes=30)
    assert skipping.world.postman.taken == []  # silence started over
    await skipping.passes(minutes=45)
    assert len(skipping.world.postman.taken) == 1
    await skipping.happens(anna, "Order Completed", {"order_id": "o1", "cart_id": "c1", "total": 95, "items": []})
    one = await skipping.world.only()
    await skipping.finished(one.id)
    assert one.state.ended is not None
    assert (one.state.ended.kind, one.goal_value) == ("goal", 95)


async def test_a_wake_ends_a_wait_and_a_goal_ends_the_workflow(client: Client, store: Store) -> None:
    trip = program(wait_for("ask", 24, arm("Yes", to("rest"))), wait("rest", 24), goal=goal())
    async with live(client, store, trip) as world:
        engine = TemporalWorkflows(client)
        anna = await world.customer()
        await world.happens(anna, "Signed Up")
        await dispatch(store, world.runtime, engine, range(PARTITIONS))
        await world.happens(anna, "Yes")
        await dispatch(store, world.runtime, engine, range(PARTITIONS))

        async def rests() -> bool:
            return (await world.only()).state.step == "rest"

        await until(rests)
        await world.happens(anna, "Order Completed")
        await dispatch(store, world.runtime, engine, range(PARTITIONS))
        async with asyncio.timeout(10):
            await client.get_workflow_handle((await world.only()).id).result()


async def test_people_find_workflows_by_journey_and_read_what_they_do(client: Client, store: Store) -> None:
    trip = program(wait("rest", 3 / 3600, to("nudge")), send("nudge"))
    async with live(client, store, trip) as world:
        assert await searchable(client)
        anna = await world.customer()
        await world.happens(anna, "Signed Up")
        await dispatch(store, world.runtime, TemporalWorkflows(client, searchable=True), range(PARTITIONS))
        handle = client.get_workflow_handle((await world.only()).id)
        async with asyncio.timeout(20):
            await handle.result()

        async def found() -> bool:
            listed = client.list_workflows('IdicJourney = "trip" AND IdicPurpose = "service"')
            return [workflow.id async for workflow in listed] == [handle.id]

        await until(found)
        described = await handle.describe()
        assert await described.static_summary() == "A trip"
        events = (await handle.fetch_history()).events
        said = {e.user_metadata.summary.data.decode() for e in events if e.HasField("user_metadata")}
        assert {'"rests at rest"', '"nudge by email"'} <= said


async def test_nothing_waits_because_a_title_or_a_step_has_a_long_name(client: Client, store: Store) -> None:
    """Temporal takes 400 bytes of summary, and may refuse more."""
    rest, nudge = "rest" * 120, "nudge" * 120
    trip = program(wait(rest, 0.1 / 3600, to(nudge)), send(nudge)).model_copy(update={"title": "Добро пожаловать " * 20})
    async with live(client, store, trip) as world:
        await world.happens(await world.customer(), "Signed Up")
        await dispatch(store, world.runtime, TemporalWorkflows(client), range(PARTITIONS))
        handle = client.get_workflow_handle((await world.only()).id)
        async with asyncio.timeout(20):
            await handle.result()
        assert str(await (await handle.describe()).static_summary()).startswith("Добро пожаловать")
        said = [event.user_metadata.summary.ByteSize() for event in (await handle.fetch_history()).events]
        assert 200 < max(said) <= 400


async def test_an_sms_on_its_way_to_an_account_set_no_more_goes_by_the_one_that_is(client: Client, store: Store) -> None:
    world = World(store, HandClock())
    await world.publish(program(send("nudge", channels=("sms",))))
    await world.happens(await world.customer(phone="+4915112345678"), "Signed Up")
    one = await world.only()
    async with store.reading() as tx:
        told = await instruct(tx, replace(world.runtime, accounts={**world.runtime.accounts, "sms": ("outbox",)}), one)
    await TemporalWorkflows(client).start(one.id, told)
    async with worker.working(client, store, world.runtime, [world.sms], drain=timedelta(seconds=1)), asyncio.timeout(20):
        await client.get_workflow_handle(one.id).result()
    assert world.sms.taken == [told.deliver[0].touch]


async def test_without_leave_to_add_them_workflows_go_without_search_attributes(skipping: Skipping) -> None:
    assert not await searchable(skipping.env.client)  # this server has no operator's service
    await skipping.world.publish(program(wait("rest", 1)))
    await skipping.happens(await skipping.world.customer(), "Signed Up")
    await skipping.passes(hours=1, minutes=5)
    await skipping.finished((await skipping.world.only()).id)


async def test_a_wake_behind_a_start_that_was_told_before_is_not_lost(client: Client, store: Store) -> None:
    """The router started the workflow and died before it could strike the letter out."""
    async with live(client, store, program(wait_for("ask", 24, arm("Yes", out("yes"))))) as world:
        engine = TemporalWorkflows(client)
        anna = await world.customer()
        await world.happens(anna, "Signed Up")
        await dispatch(store, world.runtime, engine, range(PARTITIONS))
        one = await world.only()
        await store.move("again", lambda tx: temporal_outbox.put(tx, "start", [one.id]))
        await world.happens(anna, "Yes")
        await dispatch(store, world.runtime, engine, range(PARTITIONS))
        async with asyncio.timeout(10):
            await client.get_workflow_handle(one.id).result()


async def test_service_goes_before_marketing(client: Client, store: Store) -> None:
    service = program(wait("rest", 24), journey="receipt")
    async with live(client, store, service, program(wait("rest", 24), journey="news", purpose="marketing")) as world:
        anna = await world.customer()
        await world.happens(anna, "Signed Up")
        await dispatch(store, world.runtime, TemporalWorkflows(client), range(PARTITIONS))
        keys = {}
        for one in await world.enrollments():
            started = (await client.get_workflow_handle(one.id).fetch_history()).events[0]
            keys[one.journey] = started.workflow_execution_started_event_attributes.priority.priority_key
        assert 0 < keys["receipt"] < keys["news"]


class Clumsy:
    """A rule with a bug that tells everything it knows, the first few times it is asked."""

    name = "clumsy"

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, request: TouchRequest) -> None:
        self.asked += 1
        if self.asked <= 6 or self.asked == 8:  # a local activity, the regular one after it, a delivery
            raise ValueError(f"cannot judge {request.address}, {request.traits}")


async def test_no_personal_data_in_histories_failures_included(client: Client, store: Store) -> None:
    """Everything that says who somebody is, in what is known of them, what they did, and what providers answered."""
    secrets = ["anna@example.com", "Annabelle", "4915112345678", "cart-of-anna", "Kaffee", "mailbox of Annabelle is full"]
    trip = program(
        wait("rest", 0.3 / 3600, to("nudge")),
        send("nudge", to("again")),
        send("again", to("ask")),
        wait_for("ask", 24, arm("Yes", out("yes"))),
    )
    async with live(client, store, trip, besides=[Clumsy()]) as world:
        engine = TemporalWorkflows(client)
        world.postman.answers = [
            Later("smtp_452", "452 the mailbox of Annabelle is full", 0.1),
            Unsure("smtp_timeout", "anna@example.com did not answer"),
        ]
        anna = await world.customer(first_name="Annabelle", phone="+4915112345678")
        await world.happens(anna, "Signed Up", {"cart_id": "cart-of-anna", "items": [{"name": "Kaffee"}]})
        await dispatch(store, world.runtime, engine, range(PARTITIONS))
        one = await world.only()

        async def asked() -> bool:
            return (await world.only()).state.step == "ask"

        await until(asked, 40)
        await world.happens(anna, "Yes", {"name": "Annabelle"})
        await dispatch(store, world.runtime, engine, range(PARTITIONS))
        handle = client.get_workflow_handle(one.id)
        async with asyncio.timeout(20):
            await handle.result()
        text = await told(handle)
        assert "ValueError" in text  # the failures did leave their codes
        for secret in secrets:
            assert secret not in text


async def test_a_service_is_asked_until_it_answers_and_no_word_of_it_is_in_the_history(client: Client, store: Store) -> None:
    """Of the first two tries one meets a service in trouble, and one a service that says too much."""
    sku = Assignment(name="sku", type=TEXT, value=condition("entry.sku", entry__sku=Attribute(type=TEXT)))
    async with service(
        saying(503, {"error": "Annabelle"}, {"Retry-After": "0"}), resets, saying(200, {"level": 3, "note": "Annabelle"})
    ) as erp:
        stock = endpoint(f"{erp.url}/stock/{{{{ sku }}}}?key={{{{ secrets.erp_token }}}}", method="POST", seconds=5)
        ask = Call(
            id="ask", endpoint=stock, given=(sku,), capture="stock", within=hours(1), then=to("nudge"), otherwise=out("no")
        )
        caller = Caller(SECRETS, {HOST}, resolve=Places(**HERE))
        async with live(client, store, program(ask, send("nudge")), caller=caller) as world:
            await world.happens(await world.customer(), "Signed Up", {"sku": "kettle-of-anna"})
            await dispatch(store, world.runtime, TemporalWorkflows(client), range(PARTITIONS))
            one = await world.only()
            handle = client.get_workflow_handle(one.id)
            async with asyncio.timeout(30):
                await handle.result()
            one = await world.only()
            assert one.state.ended is not None
            assert one.state.ended.reason == "done"
            assert one.state.captured["stock"].properties == {"level": 3.0}
            text = await told(handle)
            (row,) = await world.rows(tables.calls)
    assert [heard.headers["idempotency-key"] for heard in erp.calls] == [row["id"]] * 3
    assert [heard.path for heard in erp.calls] == [f"/stock/kettle-of-anna?key={TOKEN}"] * 3
    assert row["attempts"] == 3
    for word in ("connection_lost", "ask calls", row["id"]):
        assert word in text
    for secret in ("Annabelle", "kettle-of-anna", TOKEN, erp.url, HOST, "127.0.0.1", "level"):
        assert secret not in text


async def told(handle: WorkflowHandle[Any, Any]) -> str:
    """Everything that Temporal knows of a workflow, its payloads in plain text too."""
    history = (await handle.fetch_history()).to_json()
    decoded = (base64.b64decode(payload).decode(errors="replace") for payload in _payloads(json.loads(history)))
    return "\n".join([history, str((await handle.describe()).raw_description), handle.id, *decoded])


def _payloads(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["data"]] if isinstance(node.get("data"), str) else []
        return own + [found for value in node.values() for found in _payloads(value)]
    return [found for value in node for found in _payloads(value)] if isinstance(node, list) else []


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem)
async def test_recorded_histories_replay(path: Path) -> None:
    history = WorkflowHistory.from_json("replayed", path.read_text())
    await Replayer(workflows=[Enrollment]).replay_workflow(history)


def test_there_are_histories_to_replay() -> None:
    recorded = {path.stem for path in HISTORIES.glob("*.json")}
    assert {"v1_timeout_then_mail", "v1_event_then_goal", "v1_mail_first_retried", "v1_store_away"} <= recorded
