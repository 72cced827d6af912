// Made by tools/generate_darwin_sources.py; see there.
#include "../../../../src/bundle_files.cpp"
