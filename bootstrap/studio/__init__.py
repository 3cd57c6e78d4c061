"""Work on several cards and machines by Ray: a pool of workers for one run, and many characters at once.

Knows no model and no verdict: workers return what they made, and only the engine of a run writes its store.
"""
