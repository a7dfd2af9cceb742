"""`python -m predictive_autoscaler.loadtest`, which locust/run_test.sh calls."""

from __future__ import annotations

import sys

from predictive_autoscaler.interruption import quiet_when_interrupted

if __name__ == "__main__":
    with quiet_when_interrupted():
        from predictive_autoscaler.loadtest.command import main

        sys.exit(main())
