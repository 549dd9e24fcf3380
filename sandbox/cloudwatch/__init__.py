"""CloudWatch's metrics of RDS, measured on the real servers."""
