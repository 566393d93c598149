"""From the catalog and the metrics to what Prometheus and Grafana read: `python -m monitoring`."""
