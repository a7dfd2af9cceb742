"""A predictive autoscaler for AWS Auto Scaling groups."""

__version__ = "0.1.0"
