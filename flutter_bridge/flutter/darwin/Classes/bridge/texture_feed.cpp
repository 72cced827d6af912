// Made by tools/generate_darwin_sources.py; see there.
#include "../../../../flutter/src/texture_feed.cpp"
