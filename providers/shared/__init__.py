"""What several providers use: URLs, TLS, names, walks of trees."""
