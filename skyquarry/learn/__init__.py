"""Learning to tell classes: examples, classifiers, their ensemble, and the model as a folder.

Numbers, names and labels come in, probabilities go out: which columns are features is said by
`skyquarry.features`, and where they are read from by `skyquarry.pipeline`. No learner's library is
loaded before it is used; each is imported by one file.
"""
