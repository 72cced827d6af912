#include "arguments.h"

#include <cstdlib>
#include <map>

namespace lp_play {
namespace {

std::uint64_t whole_number(const std::string& text, const std::string& option,
                           std::uint64_t limit) {
  const bool is_number =
      !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == text.npos;
  const std::uint64_t number = is_number ? std::strtoull(text.c_str(), nullptr, 10) : 0;
  if (!is_number || number > limit) {
    throw UsageError(option + " takes a number up to " + std::to_string(limit) + ", not '" + text +
                     "'");
  }
  return number;
}

}  // namespace

const char* const kUsage =
    "lp_play BUNDLE [options]: play a bundle, print a JSON object of what it cost\n"
    "\n"
    "  --sound FILE       mono 16-bit WAV at the bundle's rate, or raw samples; default noise\n"
    "  --frames N         how many frames to play; default all of the sound, 150 of noise\n"
    "  --max-seconds N    stop after so long, even with fewer frames; default 60\n"
    "  --target T         e.g. onnx; default: what this library runs\n"
    "  --precision P      e.g. fp32\n"
    "  --provider P       cpu, xnnpack, coreml or nnapi; default: as the bundle says\n"
    "  --threads N        threads of the engine; default: one a processor, 8 at most\n"
    "  --engine FILE      the engine's shared library\n"
    "  --bare             the generator's frames, without the portrait around them\n"
    "  --real-time        at the bundle's frame rate, dropping late frames\n"
    "  --value NAME       with --dump: write this value of the pipeline too; may be repeated\n"
    "  --dump FOLDER      write frames.rgba and NAME.f32, frame after frame\n";

Arguments parse_arguments(int count, char** words) {
  Arguments result;
  const std::map<std::string, std::string*> texts = {
      {"--sound", &result.sound},         {"--target", &result.target},
      {"--precision", &result.precision}, {"--provider", &result.provider},
      {"--engine", &result.engine},       {"--dump", &result.dump}};
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto next = [&]() -> std::string {
      if (i + 1 >= count) throw UsageError(word + " needs a value");
      return words[++i];
    };
    if (const auto text = texts.find(word); text != texts.end()) {
      *text->second = next();
    } else if (word == "--frames") {
      result.frames = whole_number(next(), word, 1000000);
    } else if (word == "--max-seconds") {
      result.max_seconds = static_cast<double>(whole_number(next(), word, 86400));
    } else if (word == "--threads") {
      result.threads = static_cast<std::uint32_t>(whole_number(next(), word, 256));
    } else if (word == "--value") {
      result.values.push_back(next());
    } else if (word == "--bare") {
      result.is_portrait = false;
    } else if (word == "--real-time") {
      result.is_real_time = true;
    } else if (word == "--help" || word == "-h") {
      result.is_help = true;
    } else if (word.rfind("-", 0) == 0) {
      throw UsageError("there is no option " + word);
    } else if (result.bundle.empty()) {
      result.bundle = word;
    } else {
      throw UsageError("one bundle at a time, not also '" + word + "'");
    }
  }
  if (result.is_help) return result;
  if (result.bundle.empty()) throw UsageError("which bundle?");
  if (result.frames == 0 && result.sound.empty()) result.frames = 150;
  return result;
}

}  // namespace lp_play
