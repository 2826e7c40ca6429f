"""Tables and the sections that they make up, before any format."""
