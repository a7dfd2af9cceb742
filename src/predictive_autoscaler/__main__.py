"""`python -m predictive_autoscaler` is the command line, and so is `predictive-autoscaler`."""

from predictive_autoscaler.interruption import quiet_when_interrupted


def main() -> None:
    """Run it. What it needs takes a second to import, and Ctrl-C may come meanwhile."""
    with quiet_when_interrupted():
        from predictive_autoscaler.cli import main as run

        run()


if __name__ == "__main__":
    main()
