"""Calls of the endpoints that a vocabulary declares: a request from values, an answer as values.

What a customer typed must not choose where a request goes, and a journey must not reach into the network that idic runs in.
So a request is made in four separate steps, each of one file: ``request`` writes it, ``allowed_addresses`` says which hosts
may be reached, ``pinned_transport`` connects to exactly the address that was checked, ``response`` reads the answer; ``caller``
does them in order.
"""

from __future__ import annotations

from idic.interact.endpoints.caller import Caller
from idic.interact.endpoints.outcome import Answered, CallLater, CallOutcome, Failed
from idic.interact.endpoints.request import missing_secrets, secrets_of, variable

__all__ = ["Answered", "CallLater", "CallOutcome", "Caller", "Failed", "missing_secrets", "secrets_of", "variable"]
