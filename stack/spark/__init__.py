"""Spark's extra jars (pom.xml) and its configuration (conf.py)."""
