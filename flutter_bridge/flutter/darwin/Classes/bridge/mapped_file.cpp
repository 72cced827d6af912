// Made by tools/generate_darwin_sources.py; see there.
#include "../../../../src/mapped_file.cpp"
