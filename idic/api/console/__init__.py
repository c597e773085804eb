"""The console: pages for the people who run idic. It shows personal data, and to nobody without a key."""
