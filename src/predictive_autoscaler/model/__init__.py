"""Training. The only place that imports scikit-learn and pandas."""
