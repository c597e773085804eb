"""Signed links, bot detection and proofs of visitors."""
