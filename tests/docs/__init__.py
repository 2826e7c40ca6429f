"""The documentation: commands that run, links that lead somewhere, a site for everybody."""
