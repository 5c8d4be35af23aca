"""What importing and exporting archives share."""
