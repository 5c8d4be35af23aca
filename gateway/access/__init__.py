"""Who may do what: tokens, roles, tenants, links."""
