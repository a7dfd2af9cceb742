"""The outside world behind the ports: in memory, on a disk, on AWS."""
