// How stb_image is used: a decoder that never reads files and knows only what bundles hold. To be
// included before <stb_image.h>, everywhere.
#pragma once

#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_FAILURE_STRINGS
#define STBI_MAX_DIMENSIONS 16384
