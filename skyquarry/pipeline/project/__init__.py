"""A project: surveys, match, learning and outputs in one file, run stage by stage.

`settings` reads the file, `stages` says what there is to do, `running` does what has changed since
the last run, `records` keeps what was done, `audit` and `provenance` tell it to others, `logbook`
watches over the first, `cleaning` removes what is superseded.
"""
