"""Pages that customers open from their messages: settings, confirmation, unsubscribe, and their data.

They work on a phone and without JavaScript, and show nothing without the customer's link.
"""
