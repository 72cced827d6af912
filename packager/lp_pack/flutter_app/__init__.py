"""A bundle as part of a Flutter app: `lp-pack flutter`.

selection.py says which variant each platform gets, trimmed_bundle.py makes the app's copy of the
bundle, pubspec.py and persona_index.py enter it, template/ is the example app, budget.py counts.
"""

from lp_pack.flutter_app.writing import AppOptions, AppReport, write_app

__all__ = ["AppOptions", "AppReport", "write_app"]
