"""How well rows fit one object: epochs, motions, errors, Bayes factors."""
