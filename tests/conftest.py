"""Property tests everywhere: a busy machine is no failure, and nothing is kept on disk."""

from hypothesis import settings

settings.register_profile("wardwatch", deadline=None, database=None)
settings.load_profile("wardwatch")
