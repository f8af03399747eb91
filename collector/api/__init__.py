"""`/api/v1` for scripts: JSON, bearer tokens by role, problem details, cursors."""

from collector.api.door import routes

__all__ = ["routes"]
