"""What users filter by, as SQL: selections, labels, versions, conditions."""
