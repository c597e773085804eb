"""Interact with customers: consent, contact policy, channels, best channel and hour, tracking, endpoints."""
