"""Temporal as the router uses it: start, wake, list and cancel workflows."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import structlog
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import (
    Priority,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from idic.errors import SettingsError
from idic.journey.program.program import Program
from idic.router.instruction import Instruction, brief
from idic.settings import Settings

log = structlog.get_logger()

QUEUE = "journeys"
WORKFLOW = "enrollment"

JOURNEY = SearchAttributeKey.for_keyword("IdicJourney")
PURPOSE = SearchAttributeKey.for_keyword("IdicPurpose")
"""Search attributes of every enrollment's workflow: find all of a journey with ``IdicJourney = "welcome"``."""

_SERVICE, _MARKETING = 2, 3
"""Temporal's priority keys: the lower goes first; activities inherit their workflow's."""

_LONGEST_FAIRNESS_KEY = 64
"""Bytes; Temporal refuses to start a workflow with a longer one."""


def priority_of(program: Program | None) -> Priority:
    """The priority of an enrollment's tasks in every queue: service before marketing, and journeys of equal rank in turns,
    however many tasks of one wait. The turns need Temporal's ``matching.enableFairness``."""
    if program is None:
        return Priority(priority_key=_MARKETING)
    name = program.journey
    if len(name.encode()) > _LONGEST_FAIRNESS_KEY:
        name = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return Priority(priority_key=_SERVICE if program.purpose == "service" else _MARKETING, fairness_key=name)


async def connect(settings: Settings) -> Client:
    """Connect to Temporal. Raises ``SettingsError``, which names the address and no secret, if it cannot be reached."""
    tls: TLSConfig | bool = settings.temporal_tls or settings.temporal_api_key is not None
    if settings.temporal_tls_cert or settings.temporal_tls_ca:
        tls = TLSConfig(
            client_cert=_bytes(settings.temporal_tls_cert),
            client_private_key=_bytes(settings.temporal_tls_key),
            server_root_ca_cert=_bytes(settings.temporal_tls_ca),
        )
    try:
        return await Client.connect(
            settings.temporal_address,
            namespace=settings.temporal_namespace,
            tls=tls,
            api_key=settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None,
        )
    except (RuntimeError, ValueError) as error:
        raise SettingsError(
            f"Temporal does not answer at {settings.temporal_address}: check IDIC_TEMPORAL_ADDRESS, and that it runs"
        ) from error


def _bytes(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}): check IDIC_TEMPORAL_TLS_CERT, _KEY and _CA") from error


async def searchable(client: Client) -> bool:
    """Whether workflows can carry idic's search attributes here; those that Temporal does not know yet are added.

    Where that is not allowed (Temporal Cloud's namespaces add them another way), add ``IdicJourney`` and ``IdicPurpose`` as
    keywords by hand; until then workflows go without.
    """
    names = {key.name for key in (JOURNEY, PURPOSE)}
    try:
        operator, namespace = client.operator_service, client.namespace
        known = await operator.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
        if missing := names - known.custom_attributes.keys():
            keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
            request = AddSearchAttributesRequest(namespace=namespace, search_attributes=dict.fromkeys(missing, keyword))
            await operator.add_search_attributes(request)
    except RPCError as error:
        log.warning("workflows go without search attributes", attributes=sorted(names), error=error.status.name)
        return False
    return True


class TemporalWorkflows:
    """The enrollments' workflows in Temporal. ``searchable``: Temporal knows idic's search attributes."""

    def __init__(self, client: Client, *, searchable: bool = False) -> None:
        self.client = client
        self._searchable = searchable

    async def start(
        self, enrollment_id: str, instruction: Instruction, program: Program | None = None, *, afresh: bool = False
    ) -> bool:
        """Start an enrollment's workflow. Returns whether it was started. One that runs already is a success too, but was not
        given ``instruction``.

        ``program`` gives its search attributes and its priority. ``afresh`` starts it even where a workflow with this id has
        ended: only for a caller who has seen that the enrollment is still open.
        """
        attributes = None
        if program is not None and self._searchable:
            pairs = [SearchAttributePair(JOURNEY, program.journey), SearchAttributePair(PURPOSE, program.purpose)]
            attributes = TypedSearchAttributes(pairs)
        reuse = WorkflowIDReusePolicy.ALLOW_DUPLICATE if afresh else WorkflowIDReusePolicy.REJECT_DUPLICATE
        try:
            await self.client.start_workflow(
                WORKFLOW,
                args=[enrollment_id, instruction],
                id=enrollment_id,
                task_queue=QUEUE,
                id_reuse_policy=reuse,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                priority=priority_of(program),
                search_attributes=attributes,
                static_summary=brief(program.title) if program is not None else None,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def wake(self, enrollment_id: str) -> bool:
        """Wake an enrollment's workflow. Returns False if none runs."""
        try:
            await self.client.get_workflow_handle(enrollment_id).signal("wake")
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def runs(self, enrollment_id: str) -> bool:
        """Whether an enrollment's workflow runs. Temporal reads this from the history itself, which never lags."""
        try:
            described = await self.client.get_workflow_handle(enrollment_id).describe()
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return False
            raise
        return described.status == WorkflowExecutionStatus.RUNNING

    async def cancel(self, enrollment_id: str) -> None:
        """Cancel an enrollment's workflow, if one runs."""
        try:
            await self.client.get_workflow_handle(enrollment_id).cancel()
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise

    async def running(self) -> AsyncIterator[str]:
        """The enrollments whose workflows run, as Temporal lists them; the list may lag by seconds."""
        query = f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running'"
        async for workflow in self.client.list_workflows(query):
            yield workflow.id
