"""Queries about journeys: programs, policies, counts and responses."""
