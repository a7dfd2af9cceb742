"""Entry point of the Lambda: `lambda_function.lambda_handler`."""

from predictive_autoscaler.lambda_app import handler as lambda_handler

__all__ = ["lambda_handler"]
