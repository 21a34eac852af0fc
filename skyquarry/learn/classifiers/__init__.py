"""The learners, behind one protocol: `protocol.Classifier`; `registry` knows them by name."""
