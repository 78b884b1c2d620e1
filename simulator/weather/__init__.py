"""Weather: a profile and a seed become one timeline per user. Pure: no clock, no socket."""
