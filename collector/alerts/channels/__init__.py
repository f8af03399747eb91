"""Alerts by other ways than mail: chat groups, webhooks, syslog."""
