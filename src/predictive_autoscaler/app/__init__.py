"""Use cases over the ports: collect, train, and one control step."""
