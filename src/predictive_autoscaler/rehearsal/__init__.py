"""The loop closed for real on one machine: load, a balancer, instances, and the controller."""
