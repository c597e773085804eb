"""Queries on enrollments and on what they send, call and show."""
