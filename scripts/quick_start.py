"""Set the project up in an AWS account; quick_start.sh and .ps1 call this.

Standard library only: it runs before anything is installed. --help tells the options.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MINIMUM = (3, 11)

if __name__ == "__main__":
    # Nothing above is newer than Python 3.6, so that an old one gets as far as this.
    if sys.version_info < MINIMUM:
        found = sys.version.split()[0]
        sys.exit(f"error: Python 3.11 or newer is needed, not {found}; PYTHON names another one")
    sys.path.insert(0, str(ROOT / "src"))
    from predictive_autoscaler.interruption import quiet_when_interrupted

    with quiet_when_interrupted():
        from predictive_autoscaler.deployment.quick_start import main

        sys.exit(main(ROOT))
