"""`python -m predictive_autoscaler` is the command line."""

from predictive_autoscaler.cli import main

main()
