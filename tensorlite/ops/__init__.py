"""Every primitive of the library, grouped by what it does."""
