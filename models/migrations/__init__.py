"""How the tables of the operational database came to be what they are, step by step."""
