"""From an agency's extract to one row per person per as-of date.

Reading order: `declaration` (what a source is) → `ingest` (rows become events) →
`link`, `residences` (whose they are) → `catalogue`, `kernel`, `panel` (numbers about a
person on a morning) → `cohort`, `outcomes` (who is asked about, and what followed).
Nothing here imports from any other of the project's packages.
"""
