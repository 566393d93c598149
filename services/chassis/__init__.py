"""What every service and the gateway are made of."""
