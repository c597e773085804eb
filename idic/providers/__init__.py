"""Providers: one folder for each vendor, and the registry of all."""
