"""Native replication, on either end."""
