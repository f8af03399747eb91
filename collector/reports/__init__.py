"""Reports: what a day, week, month or other span brought, with the coverage beside it."""
