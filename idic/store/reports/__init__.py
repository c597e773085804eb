"""Queries for people: the console and the commands."""
