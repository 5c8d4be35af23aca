"""For writers of providers: the suite that each provider passes, and one that misbehaves."""
