"""User input that filters, as SQL: selections, labels, versions, conditions."""
