"""The AWS endpoint: dispatch, refusals, faults, the call log."""
