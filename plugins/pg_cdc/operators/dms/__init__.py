"""The steps that make and run the DMS resources."""
