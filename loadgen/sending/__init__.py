"""Send HTTP requests under load and count the results. `attack` is the entry point."""
