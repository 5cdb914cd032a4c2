"""Both databases, as the tests of the records have them."""

from tests.store.conftest import address, postgresql, postgresql_url, sqlite, sqlite_url, url

__all__ = ["address", "postgresql", "postgresql_url", "sqlite", "sqlite_url", "url"]
