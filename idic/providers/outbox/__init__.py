"""The outbox: messages are kept instead of sent."""
