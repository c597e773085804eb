"""Check templates before they are published."""
