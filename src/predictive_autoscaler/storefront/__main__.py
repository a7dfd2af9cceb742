"""`python -m predictive_autoscaler.storefront`."""

from __future__ import annotations

import sys

from predictive_autoscaler.interruption import quiet_when_interrupted

if __name__ == "__main__":
    with quiet_when_interrupted():
        from predictive_autoscaler.storefront.command import main

        sys.exit(main())
