"""Links: timelines become addresses to dial. link.py is pure; engines make links real."""
