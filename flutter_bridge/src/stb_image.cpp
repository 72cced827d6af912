// The body of stb_image. Alone in its file, because the sanitizers overlook something in it that
// they must not overlook in ours (CMakeLists.txt).
#include "stb_image_config.h"

#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>
