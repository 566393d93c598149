"""What every service and the gateway are made of: application, metrics, errors, health, resources."""
