"""Commands that measure speed alone: gate, ladder, profile of a step, releases of a package."""
