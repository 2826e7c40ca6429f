"""The formats of a report that need no package but those of the extra `report`."""

from report.build import FORMATS

PLAIN = tuple(one for one in FORMATS if one != "parquet")  # which test_parquet.py reads
