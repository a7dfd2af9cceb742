"""`doctor`: collected facts, a table of checks over them, and what they find."""
