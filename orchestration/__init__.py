"""What verbs, tasks and blocks need of an orchestrator: Prefect, or none.

The same function runs as a Prefect flow or directly, and does not know which. `orchestration.mode`
decides it once for each process; the other modules give the same names in both modes, from
`orchestration.with_prefect` or from `orchestration.without_prefect`.
"""
