"""Values of the catalog, frozen: resources, versions, plans, outcomes, runs."""
