"""How true a synthetic sky is: beside real loci and published counts, and where it falls short."""
