"""What people look at after a run: a page, follow-up lists, cards and READMEs, one object's story.

`gathering` makes the report of a project as plain data, `page` has it drawn; `tallying` counts the
classified objects tile by tile (`diagrams`, `skyplane` say into what), `specimens` picks examples,
`resources` tells time, energy and cost.
"""
