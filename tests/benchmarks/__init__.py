"""What the gateway costs: CPU, delay and memory against the bare upstream and against peers."""
