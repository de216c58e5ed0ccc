"""MIMIC-IV: fetch it, read it, sample it."""
