"""What the store holds, as values, for the dashboard and the API: reads only.

Every function takes an engine and blocks; call it from a thread.
"""
