"""An HTTP-aware hop in front of a server: what a TCP engine cannot do, scripted by data.

    client -- link -- | hop.py: h11 | -- server          a process of its own
                           core.py                        pure: steps and what passes -> verbs

script.py   a file -> steps (weather/hops.py is their schema)
actions/    what a step does when it strikes, one kind a file
process.py  the parent's side
"""
