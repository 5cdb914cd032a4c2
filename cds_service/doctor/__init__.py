"""`cds-service doctor`: looks at a deployment from outside, and says in words what is wrong and what to do.

`look` talks, and gives a record of what it observed; the checks are functions of that record; `report` shows them.
"""
