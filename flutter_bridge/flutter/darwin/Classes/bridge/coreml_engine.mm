// Made by tools/generate_darwin_sources.py; see there.
#include "../../../../src/coreml_engine.mm"
