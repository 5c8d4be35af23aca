"""The inbox: queued orders and spooled listings."""
