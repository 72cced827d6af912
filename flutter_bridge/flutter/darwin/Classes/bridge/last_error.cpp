// Made by tools/generate_darwin_sources.py; see there.
#include "../../../../src/last_error.cpp"
