"""Programs to look at: every kind of step, a long one, deeply nested ones."""

from __future__ import annotations

from idic.journey.channels.email import EmailContent
from idic.journey.channels.sms import SmsContent
from idic.journey.channels.web import WebContent
from idic.journey.program.content import Message
from idic.journey.program.entry import Entry, Goal, Segment
from idic.journey.program.program import Program
from idic.journey.program.steps import (
    AnyStep,
    Arm,
    Branch,
    Call,
    Choose,
    Differentiate,
    Enter,
    Exit,
    Repeat,
    Send,
    Set,
    Share,
    Split,
    Wait,
    WaitFor,
)
from idic.journey.program.values import DONE, Assignment, Attribute, Condition, Endpoint, Moment, Pattern, Target
from idic.journey.vocabulary.types import TEXT
from idic.times import Duration, Hours, TimeOfDay

DAY = Duration(days=1)
MESSAGES = {
    "hello": Message(
        id="hello",
        contents={
            "email": EmailContent(subject="Hello {{ customer.first_name | default: 'there' }}, <b>& more</b>", body="Hi"),
            "sms": SmsContent(text="Hi {{ customer.first_name }}"),
            "web": WebContent(slot="home_hero", body="Hi", show_for=DAY),
        },
    )
}


def to(step: str) -> Target:
    return Target(step=step)


def out(reason: str) -> Target:
    return Target(exit=reason)


def when(text: str) -> Condition:
    return Condition(text=text, cel=text)


def assign(name: str, text: str) -> Assignment:
    return Assignment(name=name, type=TEXT, value=when(text))


def program(*steps: AnyStep, first: str | None = None, title: str = "A journey to look at", **more: object) -> Program:
    return Program(
        journey="looked_at",
        title=title,
        entry=more.pop("entry", Entry(on=(Pattern(on="Signed Up"),))),
        first=to(first or steps[0].id),
        steps={step.id: step for step in steps},
        messages=MESSAGES,
        **more,
    )


def send(id: str, then: Target, otherwise: Target | None = None, **more: object) -> Send:
    more = {"message": "hello", "channels": ("email",), "within": DAY, **more}
    return Send(id=id, then=then, otherwise=otherwise or then, **more)


def every_kind() -> Program:
    erp = Endpoint(name="stock", url="https://erp.example/stock")
    starts = Moment(name="entry.starts_at", attribute=Attribute(type=TEXT), offset=Duration(days=3), at=TimeOfDay(hour=9))
    return program(
        Wait(id="morning", until=TimeOfDay(hour=9, days=(0, 1, 2, 3, 4)), then=to("soon"), otherwise=to("soon")),
        Wait(id="soon", until=starts, then=to("note"), otherwise=out("too_late")),
        Set(id="note", assign=(assign("customer.nps", "score.value"), assign("stage", '"warm"')), then=to("ask")),
        Call(
            id="ask", endpoint=erp, given=(assign("sku", "entry.sku"),), capture="stock", within=Duration(seconds=600),
            then=to("mail"), otherwise=to("listen"),
        ),
        send("mail", to("listen"), channels=("sms",), at=Hours(opens=TimeOfDay(hour=9), closes=TimeOfDay(hour=20, minute=30))),
        WaitFor(
            id="listen",
            arms=(
                Arm(
                    pattern=Pattern(on="Link Clicked", of="mail", when=when('event.value == "yes"')),
                    since="sent", then=to("rounds"),
                ),
                Arm(until=when("days_since(customer.last_order) > 30"), then=to("again")),
                Arm(pattern=Pattern(on="Order Returned"), then=out("returned")),
                Arm(pattern=Pattern(on="Unsubscribed"), then=out("not_interested")),
            ),
            within=Duration(days=2),
            otherwise=to("rounds"),
        ),
        Differentiate(id="again", then=to("rounds")),
        Repeat(id="rounds", times=3, until=when("customer.orders > 0"), first=to("knock"), then=to("other")),
        send("knock", to("rest"), channels=("email", "sms", "web"), mode="best_of", at="best time"),
        Wait(id="rest", duration=Duration(days=2), then=to("rounds")),
        Enter(id="other", journey="win_back", given=(assign("cart_id", "entry.cart_id"),), then=to("test")),
        Split(
            id="test",
            shares=(
                Share(name="plain", percent=20, then=to("last")),
                Share(name="offer", percent=50, then=to("hero")),
                Share(name="nothing", percent=30, then=out("left_alone")),
            ),
        ),
        send("hero", to("last"), channels=("web",)),
        Exit(id="last", reason="many", when=when("customer.orders > 3"), otherwise=to("fork")),
        Choose(id="fork", branches=(Branch(when=when('segment == "vip"'), then=to("bye")),), otherwise=DONE),
        Exit(id="bye", reason="thanked"),
        title="Every kind of step that a journey can have, one after another, under a title that is long",
        goal=Goal(on=(Pattern(on="Order Completed"),), within=Duration(days=7), value=when("event.total")),
        leave=(Pattern(on="Cart Emptied"), Pattern(on="Order Returned", when=when("event.order_id == entry.order_id"))),
        segments=(Segment(name="vip", when=when('customer.value_tier == "high"')), Segment(name="rest")),
        values=(assign("discount", "customer.orders > 3 ? 10 : 5"),),
    )  # fmt: skip


def long(count: int = 40) -> Program:
    steps: list[AnyStep] = []
    for number in range(count):
        then = to(f"step_{number + 1}") if number + 1 < count else DONE
        if number % 2:
            steps.append(send(f"step_{number}", then, out("unreachable") if number % 10 == 5 else None))
        else:
            steps.append(Wait(id=f"step_{number}", duration=DAY, then=then))
    return program(*steps)


def nested() -> Program:
    """A repeat in a repeat in a branch of a split, with a split inside."""
    return program(
        Split(
            id="test",
            shares=(Share(name="a", percent=50, then=to("outer")), Share(name="b", percent=50, then=to("calm"))),
        ),
        Repeat(id="outer", times=3, first=to("mail"), then=to("after")),
        send("mail", to("inner")),
        Repeat(id="inner", times=2, until=when("known(customer.first_name)"), first=to("half"), then=to("pause")),
        Split(
            id="half",
            shares=(
                Share(name="one", percent=30, then=to("text")),
                Share(name="two", percent=30, then=to("banner")),
                Share(name="three", percent=40, then=to("inner")),
            ),
        ),
        send("text", to("inner"), out("unreachable"), channels=("sms",)),
        send("banner", to("inner"), channels=("web",)),
        Wait(id="pause", duration=DAY, then=to("outer")),
        Choose(
            id="calm",
            branches=(
                Branch(when=when("customer.a_rather_long_attribute_name_without_any_space_at_all.matches(x)"), then=to("x1")),
                Branch(when=when("customer.orders > 100 and (entry.total >= 30 or not known(entry.total))"), then=out("b")),
            ),
            otherwise=to("after"),
        ),
        Wait(id="x1", duration=DAY, then=to("x2")),
        Exit(id="x2", reason="over"),
        Wait(id="after", duration=DAY, then=DONE),
    )
