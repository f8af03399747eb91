"""Recorded packets judged as the live sensor would."""
