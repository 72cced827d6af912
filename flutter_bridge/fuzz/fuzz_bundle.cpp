// One input: a JSON Patch (RFC 6902) of a real bundle's manifest. The bundle is opened with it and,
// where it still opens, played and checked against itself. LP_FUZZ_BUNDLE is the bundle's folder;
// LP_ONNXRUNTIME_LIBRARY the engine, without which opening ends before the graphs are loaded.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lp_bridge.h"
#include "patch_mutator.h"

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::uint64_t kMaxSurfacePixels = 1 << 20;

// The copy of the bundle that this process plays with, and its manifest as it was.
struct Subject {
  fs::path folder;
  json manifest;

  Subject() {
    const char* const original = std::getenv("LP_FUZZ_BUNDLE");
    if (original == nullptr) {
      std::fprintf(stderr, "fuzz_bundle: set LP_FUZZ_BUNDLE to a bundle's folder\n");
      std::exit(2);
    }
    folder = fs::temp_directory_path() / ("lp_fuzz_bundle_" + std::to_string(::getpid()));
    fs::remove_all(folder);
    fs::copy(original, folder, fs::copy_options::recursive);
    std::ifstream stream(folder / "manifest.json");
    manifest = json::parse(stream);
  }
  ~Subject() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
};

Subject& subject() {
  static Subject only;
  return only;
}

void play(lp_session* session, const lp_info& info) {
  const std::uint64_t pixels = std::uint64_t{info.width_px} * info.height_px;
  if (pixels > kMaxSurfacePixels) return;
  std::vector<std::uint8_t> memory(pixels * 4);
  lp_surface surface = {};
  surface.struct_size = sizeof surface;
  surface.width_px = info.width_px;
  surface.height_px = info.height_px;
  surface.stride_bytes = info.width_px * 4;
  surface.capacity_bytes = memory.size();
  surface.pixels = memory.data();
  const std::vector<float> samples(std::min<std::size_t>(3 * info.samples_per_frame, 100000), 0.1f);
  lp_set_emotion(session, "happy", 1.0f);
  if (lp_push_pcm(session, samples.data(), samples.size(), info.sample_rate_hz) != LP_OK) return;
  lp_flush(session);
  lp_frame_info frame = {};
  frame.struct_size = sizeof frame;
  for (int i = 0; i < 4 && frame.is_last == 0; ++i) {
    if (lp_render(session, &surface, 2000, &frame) != LP_OK) break;
  }
  lp_background blue = {};
  blue.struct_size = sizeof blue;
  blue.kind = LP_BACKGROUND_COLOR;
  blue.blue = blue.alpha = 255;
  if (lp_set_background(session, &blue) == LP_OK) lp_render_again(session, &surface);
}

void open_and_play() {
  lp_open_options options = {};
  options.struct_size = sizeof options;
  options.abi_version = LP_ABI_VERSION;
  options.thread_count = 1;
  lp_session* session = nullptr;
  if (lp_open(subject().folder.c_str(), &options, &session) != LP_OK) return;
  lp_info info = {};
  info.struct_size = sizeof info;
  if (lp_get_info(session, &info) != LP_OK) std::abort();
  std::uint64_t needed = 0;
  lp_describe(session, nullptr, 0, &needed);
  play(session, info);
  lp_self_check_result result = {};
  result.struct_size = sizeof result;
  lp_self_check(session, &result);
  lp_close(session);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const json patch = json::parse(data, data + size, nullptr, false);
  if (patch.is_discarded()) return 0;
  try {
    const json patched = subject().manifest.patch(patch);
    std::ofstream(subject().folder / "manifest.json")
        << patched.dump(-1, ' ', false, json::error_handler_t::replace);
  } catch (const json::exception&) {
    // Not a patch, or not one for this manifest.
    return 0;
  }
  open_and_play();
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t capacity, unsigned seed) {
  const std::string text(reinterpret_cast<char*>(data), size);
  const std::string changed = lp_fuzz::mutate_patch(text, subject().manifest, seed);
  if (changed.size() > capacity) return size;
  std::copy(changed.begin(), changed.end(), data);
  return changed.size();
}
