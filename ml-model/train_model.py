"""Train the forecaster: `python ml-model/train_model.py --help`."""

from predictive_autoscaler.cli import train_main

if __name__ == "__main__":
    train_main()
