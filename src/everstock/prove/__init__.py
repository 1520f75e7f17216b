"""Tools that test the tests, and what no test can: coverage of the contracts, mutants, proofs."""
