"""The checkpoints of the 2023 release, read without running anything in them, and made into models of this package."""
