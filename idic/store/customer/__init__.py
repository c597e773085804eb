"""Queries about customers: identities, events, consents, export and erasure."""
