"""Links to the AWS console."""
