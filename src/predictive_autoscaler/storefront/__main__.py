"""`python -m predictive_autoscaler.storefront`."""

from __future__ import annotations

import sys

from predictive_autoscaler.storefront.command import main

if __name__ == "__main__":
    sys.exit(main())
