"""Native replication: publication, snapshot, load, subscription. Pure."""
