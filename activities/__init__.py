"""Temporal activities: each opens transactions and calls the core, which is ``idic.router``."""
