"""The fault kit: proxies, disks, killers and servers that misbehave on purpose."""
