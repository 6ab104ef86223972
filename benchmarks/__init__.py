"""Speed, as ratios of two things timed in turn in one run. Never a test: what is slow here is reported, not failed.

``python -m benchmarks`` measures and writes ``docs/benchmarks.md``. One module for each question a user waits on:

    town         the synthetic utilities that are measured
    one_device   one device opens: against a copy of the answer
    others       the same against what others would write
    published    the same on a published network, against pandapower
    building     the index is built, how much memory it takes, one switch operates
    storm        thousands of faults and restorations
    measure      timing in turn;  report, chart   what came of it
"""
