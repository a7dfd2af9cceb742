"""Train the forecaster: `python ml-model/train_model.py --help`."""

from predictive_autoscaler.interruption import quiet_when_interrupted

if __name__ == "__main__":
    with quiet_when_interrupted():
        from predictive_autoscaler.cli import train_main

        train_main()
