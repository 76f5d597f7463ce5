"""``doorward doctor``: what can be told from this machine about the safety of an instance, each thing with its fix.

Facts are gathered in one place of each module (``gather``, the only part that looks at anything), and judged by small
pure functions (``check_…``) from facts to results. Looking changes nothing.
"""
