"""Send continuous load for the dashboards, controlled over HTTP. `driver` is the entry point."""
