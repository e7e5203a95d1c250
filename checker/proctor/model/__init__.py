"""Frozen values that the stages exchange. Nothing here imports a stage."""
