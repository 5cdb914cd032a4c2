"""Records: what is kept of calls and of feedback, and the tokens already shown. One database, SQLite or PostgreSQL.

`store.Store` is what a worker uses; `commands` are `cds-service db ...`. docs/reference/records.md names every table
and column, and says what is lost when.
"""
