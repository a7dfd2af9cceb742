"""AWS behind the ports. Each adapter takes a ready client and speaks our errors."""
