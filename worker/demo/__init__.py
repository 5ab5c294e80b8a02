"""The first start: sample accounts, the sample catalog, a first batch of rounds and a first backbone."""
