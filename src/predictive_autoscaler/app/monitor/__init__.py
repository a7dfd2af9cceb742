"""What an operator wants to see of a group: facts, read from the ports as they are due."""
