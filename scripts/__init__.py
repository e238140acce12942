"""Programs beside the package: set-up, benchmarks, generated pages."""
