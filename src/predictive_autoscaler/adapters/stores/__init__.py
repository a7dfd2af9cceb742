"""Models, records, controls and history as objects: on S3 and on a disk alike."""

from predictive_autoscaler.adapters.stores.controls import StoredControls
from predictive_autoscaler.adapters.stores.decisions import StoredDecisions
from predictive_autoscaler.adapters.stores.history import StoredHistory
from predictive_autoscaler.adapters.stores.models import StoredModels

__all__ = ["StoredControls", "StoredDecisions", "StoredHistory", "StoredModels"]
