"""What is known, learned and served: tables, rounds, knowledge, backbones, lists, the REST API. Its folders:
docs/architecture.md."""
