"""The store: tables, transactions and every query, on SQLite and PostgreSQL."""
