"""`python -m predictive_autoscaler.loadtest`, which locust/run_test.sh calls."""

from __future__ import annotations

import sys

from predictive_autoscaler.loadtest.command import main

if __name__ == "__main__":
    sys.exit(main())
