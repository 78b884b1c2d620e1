"""Swarm: clients become records, live. Locust is imported only by user.py and runner.py."""
