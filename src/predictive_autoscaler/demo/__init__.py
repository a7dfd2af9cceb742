"""The demonstration: a day of traffic through the real training and the real handler."""
