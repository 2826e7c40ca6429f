"""Commands that bring runs to where others see them: a site, MLflow."""
