"""Temporal as the router sees it: workflows to start, to wake, to list, to cancel."""

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
"""Temporal's priority keys: the lower goes first; activities have their workflow's."""

_LONGEST_FAIRNESS_KEY = 64
"""Bytes; Temporal refuses to start a workflow with a longer one."""


def priority_of(program: Program | None) -> Priority:
    """Where an enrollment's tasks stand in every queue: service before marketing, and journeys of the same rank by turns,
    however many of one wait. The turns are Temporal's where it is told to take them (``matching.enableFairness``)."""
    if program is None:
        return Priority(priority_key=_MARKETING)
    name = program.journey
    if len(name.encode()) > _LONGEST_FAIRNESS_KEY:
        name = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return Priority(priority_key=_SERVICE if program.purpose == "service" else _MARKETING, fairness_key=name)


async def connect(settings: Settings) -> Client:
    """Raises ``SettingsError`` when Temporal cannot be reached under the settings; the address is named, no secret is."""
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
    """Whether workflows can carry idic's search attributes here; those that Temporal does not know yet are made known.

    Where that is not allowed (a cloud's namespaces have their own way), somebody has to add ``IdicJourney`` and
    ``IdicPurpose`` as keywords; until then workflows go without.
    """
    ours = {key.name for key in (JOURNEY, PURPOSE)}
    try:
        operator, namespace = client.operator_service, client.namespace
        known = await operator.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
        if missing := ours - known.custom_attributes.keys():
            keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
            request = AddSearchAttributesRequest(namespace=namespace, search_attributes=dict.fromkeys(missing, keyword))
            await operator.add_search_attributes(request)
    except RPCError as error:
        log.warning("workflows go without search attributes", attributes=sorted(ours), error=error.status.name)
        return False
    return True


class Engine:
    """``searchable`` says whether Temporal knows idic's search attributes."""

    def __init__(self, client: Client, *, searchable: bool = False) -> None:
        self.client = client
        self._searchable = searchable

    async def start(
        self, enrollment_id: str, instruction: Instruction, program: Program | None = None, *, afresh: bool = False
    ) -> bool:
        """Returns whether it was started; one that runs already is a success too, but was not told ``instruction``.

        ``program`` is what people will find it by, and where its tasks stand in the queues.
        ``afresh`` also where one by this id has ended: only for who has seen that the enrollment is open all the same.
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
        """Returns False where no workflow by this id is running."""
        try:
            await self.client.get_workflow_handle(enrollment_id).signal("wake")
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def runs(self, enrollment_id: str) -> bool:
        """Whether a workflow by this id is running; asked of the history itself, which never lags."""
        try:
            described = await self.client.get_workflow_handle(enrollment_id).describe()
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return False
            raise
        return described.status == WorkflowExecutionStatus.RUNNING

    async def cancel(self, enrollment_id: str) -> None:
        try:
            await self.client.get_workflow_handle(enrollment_id).cancel()
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise

    async def running(self) -> AsyncIterator[str]:
        """The enrollments whose workflows run, by Temporal's visibility, which may lag by seconds."""
        query = f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running'"
        async for workflow in self.client.list_workflows(query):
            yield workflow.id
