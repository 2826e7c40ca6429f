"""A person's own images: `npz:PATH`, `folder:PATH`, and image files to predict."""
