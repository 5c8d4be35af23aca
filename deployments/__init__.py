"""What an operator runs Entrepot with: files, no code. `entrepot setup` applies some of them."""
