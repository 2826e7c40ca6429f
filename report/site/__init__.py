"""A start page over many runs, with the report of each: a folder of files, for any web server."""
