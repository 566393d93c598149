"""Generate the configuration of Prometheus and Grafana from the catalog and the metrics."""
