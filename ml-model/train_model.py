"""Train the forecaster: `python ml-model/train_model.py --help`."""

import sys

from predictive_autoscaler.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]], program="train_model.py")
