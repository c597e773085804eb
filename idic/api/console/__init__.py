"""The console: pages for operators. It shows personal data and therefore needs a key."""
