"""Any filesystem of fsspec's."""
