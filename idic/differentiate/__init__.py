"""Differentiate customers: attributes that idic computes from their events."""
