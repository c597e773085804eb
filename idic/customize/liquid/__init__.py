"""Liquid with idic's tags, filters and limits."""
