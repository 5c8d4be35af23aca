"""How each target of the matrix is started: which server, which proxies, which settings."""
