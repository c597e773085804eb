"""Identify customers: incoming messages, identities, phone numbers and merges."""
