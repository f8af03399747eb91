"""requests, without what it loads to guess the encoding of texts.

The agent reads answers as bytes, so charset_normalizer (2.9 MB of resident memory, a
tenth of the whole agent) would never be called.  requests is made to do without:
`requests.compat` takes its absence as an absence of guessing, and warns.  The import
system is left as it was found.
"""

import sys
import warnings

_GUESSERS = ("chardet", "charset_normalizer")

_known = {name: sys.modules[name] for name in _GUESSERS if name in sys.modules}
for _name in _GUESSERS:
    sys.modules[_name] = None  # type: ignore[assignment]  # None makes an import fail: importlib docs
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import requests
for _name in _GUESSERS:
    del sys.modules[_name]
sys.modules.update(_known)

__all__ = ["requests"]
