"""Pairs within a radius, by geometry alone."""
