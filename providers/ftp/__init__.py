"""FTP and FTPS servers."""
