"""The report page: what was measured, in numbers and in pictures, in one file without network."""

from __future__ import annotations

from lp_pack.report.markdown import build_report
from lp_pack.report.page import build_page

__all__ = ["build_page", "build_report"]
