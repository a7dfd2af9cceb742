"""Running a load test: its options, the check before it, the processes, and the verdict.

What the shoppers do is in the locust folder; Locust itself is run as a program and never imported.
"""
