// Made by tools/generate_darwin_sources.py; see there.
#include "../../../../src/json_object.cpp"
