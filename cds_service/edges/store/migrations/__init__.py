"""Steps that bring a database to the tables of this version, one file a revision. Alembic finds them by this folder."""
