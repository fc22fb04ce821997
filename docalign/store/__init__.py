"""One database for everything docalign must not lose: rankings, feedback, and what the service keeps.

Rooms that store something bring a `Schema` (their tables and their own migrations) and speak through a `Database`.
This room knows engines, transactions and migrations, and no table. It needs the extra `rank` (or `serve`).
"""

from docalign.store.database import Database
from docalign.store.open import open_database
from docalign.store.schema import Schema

__all__ = ["Database", "Schema", "open_database"]
