/* A stand-in for an ONNX Runtime that is older than lp_bridge needs: it knows no such API version.
 * The layout is OrtApiBase's. */
#include <stddef.h>
#include <stdint.h>

struct api_base {
  const void *(*get_api)(uint32_t version);
  const char *(*get_version_string)(void);
};

static const void *get_api(uint32_t version) {
  (void)version;
  return NULL;
}

static const char *get_version_string(void) { return "1.4.0"; }

const struct api_base *OrtGetApiBase(void) {
  static const struct api_base base = {get_api, get_version_string};
  return &base;
}
