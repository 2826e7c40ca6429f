"""Updates of optimizers, written out for libraries that have other definitions or none."""
