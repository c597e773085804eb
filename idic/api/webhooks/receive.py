"""The route of a provider's webhook: verify and read the request, record what it says, answer."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from idic.api.problem_details import HttpRefusal
from idic.api.request_bodies import read_body
from idic.api.webhooks import delivery_reports, inbound_sms
from idic.providers.webhook import Webhook, WebhookForged, WebhookRequest
from idic.store.database import Store


class WebhookRoute:
    """Receives the requests of one provider."""

    def __init__(self, store: Store, webhook: Webhook) -> None:
        self._store = store
        self._webhook = webhook

    async def receive(self, request: Request) -> Response:
        """2xx to every authentic request, also where the touch is unknown: repeating it would not help. The 2xx to a
        customer's SMS means that it is kept, and that what it asks for holds.

        Raises ``HttpRefusal`` (403 for a request that is not the provider's, 413), ``InvalidInput``, and ``StoreUnavailable``,
        at which providers repeat.
        """
        body = await read_body(request, self._webhook.largest)
        query_string = request.scope.get("query_string", b"").decode("latin-1")
        incoming = WebhookRequest(request.headers, query_string, request.query_params, body)
        try:
            contents = await self._webhook.read(incoming)
        except WebhookForged as forged:
            raise HttpRefusal(403, forged.code, str(forged), where=forged.where) from None
        for report in contents.reports:
            await delivery_reports.note(self._store, report)
        for reply in contents.replies:
            await inbound_sms.take(self._store, reply)
        return Response(contents.body, contents.status, media_type=contents.media_type)
