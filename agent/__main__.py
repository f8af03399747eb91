"""`python -m agent` is `wardwatch-agent`."""

import sys

from agent.cli import main

sys.exit(main())
