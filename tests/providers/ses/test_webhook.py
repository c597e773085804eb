"""SES's reports, which come through SNS: signed by Amazon, of a topic of ours, in any order, any number of times."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from idic.errors import SettingsError
from idic.interact.channels.contract import Unsure
from idic.providers.ses.webhook import LARGEST, WEBHOOK_PATH, SesWebhook
from idic.store.database import Store
from tests.conftest import HandClock
from tests.providers.delivery_reports import ANNA, PUBLIC, Post, api_on
from tests.providers.ses.fake_sns import CERTIFICATE, HOST, TOPIC, Amazon

ID = "010701a2b3c4d5e6-0d1e2f3a-0000-4000-8000-000000000000-000000"
AT = "2026-03-02T09:00:00.000Z"


class Ses(Post):
    amazon: Amazon

    async def say(self, document: dict[str, Any]) -> int:
        headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": str(document.get("Type"))}
        return (await self.api.post(WEBHOOK_PATH, content=json.dumps(document), headers=headers)).status_code

    async def report(self, touch: str, kind: str, part: dict[str, Any] | None = None, **options: Any) -> int:
        return await self.say(self.amazon.says(event(touch, kind, part), **options))


def event(touch: str, kind: str, part: dict[str, Any] | None = None) -> dict[str, Any]:
    """As a configuration set publishes it."""
    tags = {"touch": [touch], "ses:configuration-set": ["idic"], "ses:from-domain": ["shop.example"]}
    mail = {"timestamp": AT, "source": "hello@shop.example", "messageId": ID, "destination": [ANNA], "tags": tags}
    return {"eventType": kind, "mail": mail, kind.lower(): {"timestamp": AT, **(part or {})}}


def bounce(kind: str, subtype: str = "General") -> dict[str, Any]:
    to = {"emailAddress": ANNA, "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
    return {"bounceType": kind, "bounceSubType": subtype, "bouncedRecipients": [to], "feedbackId": "f"}


@pytest.fixture
async def post(store: Store, clock: HandClock) -> AsyncIterator[Ses]:
    amazon = Amazon()
    async with api_on(store, SesWebhook([TOPIC], PUBLIC, amazon.fetch)) as api:
        story = Ses(store, clock, api)
        story.amazon = amazon
        yield story


async def test_reports_count_once_in_any_order(post: Ses) -> None:
    anna, touch = await post.sent()
    for kind, part in (
        ("Click", {"link": "https://shop.example/kettle", "ipAddress": "192.0.2.1", "userAgent": "Mozilla/5.0"}),
        ("Open", {"ipAddress": "192.0.2.1", "userAgent": "Mozilla/5.0"}),  # Apple's privacy proxy: nobody
        ("Open", {"ipAddress": "192.0.2.1", "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}),
        ("Delivery", {"recipients": [ANNA], "smtpResponse": "250 ok"}),
        ("Send", {}),
        ("DeliveryDelay", {"delayType": "TransientCommunicationFailure"}),
        ("Click", {"link": f"{PUBLIC}/l/abc"}),
    ):
        for _ in range(2):
            assert await post.report(touch, kind, part, MessageId=f"{kind}-{part.get('link')}") == 204
    await post.route(anna)
    happened = [("Email Opened", None), ("Link Clicked", "https://shop.example/kettle"), ("Message Delivered", None)]
    assert sorted(await post.own()) == happened
    assert post.amazon.asked == [CERTIFICATE]  # kept from then on


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_report_settles_an_uncertain_message(post: Ses, version: str) -> None:
    anna, touch = await post.sent(Unsure("ses_timeout", "ReadTimeout"))
    assert await post.report(touch, "Send", version=version) == 204
    await post.route(anna)
    row = await post.touch()
    assert (row.status, row.provider_id) == ("sent", ID)


@pytest.mark.parametrize(
    ("part", "reason", "suppressed"),
    [
        (bounce("Permanent"), "hard_bounce", "hard_bounce"),
        (bounce("Permanent", "OnAccountSuppressionList"), "hard_bounce", "hard_bounce"),
        (bounce("Transient", "MailboxFull"), "soft_bounce", None),
        (bounce("Undetermined", "Undetermined"), "soft_bounce", None),
    ],
)
async def test_only_hard_bounces_and_complaints_suppress_the_address(
    post: Ses, part: dict[str, Any], reason: str, suppressed: str | None
) -> None:
    anna, touch = await post.sent()
    assert await post.report(touch, "Bounce", part) == 204
    await post.route(anna)
    assert await post.own() == [("Message Bounced", reason)]
    assert await post.suppressed() == suppressed


async def test_a_complaint_suppresses_the_address_unless_it_says_not_spam(post: Ses) -> None:
    anna, touch = await post.sent()
    complained = {"complainedRecipients": [{"emailAddress": ANNA}], "feedbackId": "f"}
    assert await post.report(touch, "Complaint", {**complained, "complaintFeedbackType": "not-spam"}) == 204
    assert await post.suppressed() is None
    for _ in range(2):
        assert await post.report(touch, "Complaint", {**complained, "complaintFeedbackType": "abuse"}) == 204
    assert await post.suppressed() == "complaint"
    await post.route(anna)
    assert await post.consent(anna) == [(True, None), (False, None)]


async def test_an_address_is_the_same_however_it_is_written(post: Ses) -> None:
    _, touch = await post.sent(email="Anna@bücher.example")
    bounced = bounce("Permanent")
    bounced["bouncedRecipients"][0]["emailAddress"] = "anna@xn--bcher-kva.example"
    assert await post.report(touch, "Bounce", bounced) == 204
    assert await post.suppressed("anna@bücher.example") == "hard_bounce"


async def test_feedback_on_an_identity_names_the_touch_by_the_mails_own_header(post: Ses) -> None:
    anna, touch = await post.sent()
    told = event(touch, "Delivery")
    told["notificationType"] = told.pop("eventType")
    told["mail"]["headers"] = [{"name": "Subject", "value": "x"}, {"name": "X-Idic-Touch", "value": touch}]
    del told["mail"]["tags"]
    assert await post.say(post.amazon.says(told)) == 204
    await post.route(anna)
    assert await post.own() == [("Message Delivered", None)]


async def test_a_subscription_is_confirmed_only_at_amazon(post: Ses) -> None:
    amazon = post.amazon
    asks = amazon.asks_to_confirm()
    assert await post.say(asks) == 204
    assert amazon.asked == [CERTIFICATE, asks["SubscribeURL"]]
    for elsewhere in (
        "https://evil.example/?Action=ConfirmSubscription&Token=x",
        "https://sns.eu-central-1.amazonaws.com.evil.example/?Action=ConfirmSubscription&Token=x",
        "https://sns.eu-central-1.amazonaws.com@evil.example/?Action=ConfirmSubscription&Token=x",
        "http://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=x",
        f"{HOST}/?Action=DeleteTopic&TopicArn={TOPIC}",
        "http://169.254.169.254/latest/meta-data",
        "",
    ):
        assert await post.say(amazon.asks_to_confirm(elsewhere)) == 403
    assert len(amazon.asked) == 2
    assert await post.say(amazon.asks_to_confirm(Type="UnsubscribeConfirmation")) == 204
    assert len(amazon.asked) == 2


async def test_only_notifications_of_our_topic_signed_by_amazon_are_accepted(post: Ses) -> None:
    _, touch = await post.sent()
    amazon, stranger = post.amazon, Amazon()
    complaint = event(touch, "Complaint", {"complainedRecipients": [{"emailAddress": ANNA}]})
    good = amazon.says(complaint)
    forged = [
        stranger.says(complaint),
        amazon.says(complaint, TopicArn="arn:aws:sns:eu-central-1:999999999999:mail"),
        {**good, "Message": good["Message"].replace("Complaint", "Bounce")},
        {**good, "Timestamp": "2026-03-02T09:00:01.000Z"},
        {**good, "Type": "SubscriptionConfirmation"},
        {**good, "SignatureVersion": "2"},
        {**good, "SignatureVersion": "3"},
        {**good, "Signature": "nonsense"},
        {name: value for name, value in good.items() if name != "Signature"},
        complaint,  # raw delivery, which SNS does not sign
        {},
    ]
    for where in (
        "https://evil.example/SimpleNotificationService-" + "0a" * 16 + ".pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-" + "0a" * 16 + ".pem",
        f"{HOST}/../SimpleNotificationService-" + "0a" * 16 + ".pem",
        f"{HOST}/evil.pem",
        CERTIFICATE.replace("https", "http"),
    ):
        forged.append(amazon.says(complaint, SigningCertURL=where))
    for one in forged:
        assert await post.say(one) == 403, one
    assert set(amazon.asked) == {CERTIFICATE}
    answer = await post.api.post(WEBHOOK_PATH, content=b"x" * (LARGEST + 1))
    assert answer.status_code == 413
    assert (await post.api.post(WEBHOOK_PATH, content=b"[]")).status_code == 400
    assert await post.own() == []
    assert await post.suppressed() is None


async def test_unknown_notifications_are_accepted_and_ignored(post: Ses) -> None:
    for message in ("Successfully validated SNS topic for Amazon SES event publishing.", "[1]", '{"mail": 1}', "{}", "\u0000"):
        assert await post.say(post.amazon.says(message)) == 204
    for touch in ("f" * 32, "", "'; DROP TABLE touches", "x" * 5000):
        assert await post.report(touch, "Delivery") == 204
    assert await post.own() == []


async def test_amazon_is_asked_to_retry_while_its_certificate_is_unavailable(post: Ses) -> None:
    _, touch = await post.sent()
    post.amazon.down = True
    assert await post.report(touch, "Delivery") == 503
    post.amazon.down = False
    assert await post.report(touch, "Delivery") == 204


@pytest.mark.parametrize("topic", ["", "mail", "arn:aws:sqs:eu-central-1:123456789012:mail", "arn:aws:sns:evil.example/:1:m"])
def test_an_invalid_topic_is_refused_at_once(store: Store, topic: str) -> None:
    with pytest.raises(SettingsError, match="IDIC_SES_TOPICS"):
        SesWebhook([topic], PUBLIC)
