// Made by tools/generate_darwin_sources.py; see there.
#include "../../../../src/paste_back.cpp"
