"""One step of a flow a file: a thin task around one call of the engine."""
