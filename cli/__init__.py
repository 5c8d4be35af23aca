"""The command line `entrepot`: every verb, and the questions to the catalog."""
