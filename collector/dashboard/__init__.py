"""The pages for people; see `site.py` for what stands where."""

from collector.dashboard.site import routes

__all__ = ["routes"]
