"""The contact policy: which messages may be sent, and when."""
