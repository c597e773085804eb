"""The best channel and hour for a customer, learned from answers."""
