"""The durable record of decisions, reservations, outcomes and consents, on SQLite or PostgreSQL.

The kernel never imports it: a decision is given a history and does not know who read it.
"""
