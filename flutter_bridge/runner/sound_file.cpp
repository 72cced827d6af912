#include "sound_file.h"

#include <cstring>
#include <fstream>
#include <random>

#include "arguments.h"

namespace lp_play {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{256} << 20;

std::string read_bytes(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw UsageError("the sound cannot be read: " + path);
  std::string content;
  std::vector<char> block(1 << 16);
  while (stream.read(block.data(), static_cast<std::streamsize>(block.size())) ||
         stream.gcount() > 0) {
    content.append(block.data(), static_cast<std::size_t>(stream.gcount()));
    if (content.size() > kMaxBytes) throw UsageError("the sound is longer than 256 MB: " + path);
  }
  return content;
}

std::uint32_t number(const std::string& content, std::size_t at, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes && at + i < content.size(); ++i) {
    value |= std::uint32_t{static_cast<std::uint8_t>(content[at + i])} << 8 * i;
  }
  return value;
}

void check_format(const std::string& content, std::size_t at, std::uint32_t rate_hz) {
  const std::uint32_t channels = number(content, at + 2, 2);
  const std::uint32_t rate = number(content, at + 4, 4);
  const std::uint32_t bits = number(content, at + 14, 2);
  if (number(content, at, 2) != 1 || channels != 1 || bits != 16 || rate != rate_hz) {
    throw UsageError("the WAV must be mono, 16 bits, " + std::to_string(rate_hz) + " Hz; it has " +
                     std::to_string(channels) + " channels, " + std::to_string(bits) + " bits, " +
                     std::to_string(rate) + " Hz");
  }
}

// The samples' bytes within a WAV.
std::string data_of_wav(const std::string& content, std::uint32_t rate_hz) {
  bool has_format = false;
  std::size_t at = 12;
  while (at + 8 <= content.size()) {
    const std::string name = content.substr(at, 4);
    const std::size_t size = number(content, at + 4, 4);
    if (name == "fmt ") {
      check_format(content, at + 8, rate_hz);
      has_format = true;
    }
    if (name == "data" && has_format) return content.substr(at + 8, size);
    if (size > content.size() - at - 8) break;
    at += 8 + size + size % 2;
  }
  throw UsageError("the WAV is damaged: it has no format or no data");
}

}  // namespace

std::vector<std::int16_t> read_sound(const std::string& path, std::uint32_t rate_hz) {
  std::string bytes = read_bytes(path);
  if (bytes.rfind("RIFF", 0) == 0 && bytes.compare(8, 4, "WAVE") == 0) {
    bytes = data_of_wav(bytes, rate_hz);
  }
  std::vector<std::int16_t> samples(bytes.size() / 2);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<std::int16_t>(number(bytes, 2 * i, 2));
  }
  if (samples.empty()) throw UsageError("the sound is empty: " + path);
  return samples;
}

std::vector<std::int16_t> make_noise(std::size_t count) {
  std::mt19937 random(1);
  std::vector<std::int16_t> samples(count);
  for (std::int16_t& sample : samples) {
    sample = static_cast<std::int16_t>(static_cast<int>(random() % 16384) - 8192);
  }
  return samples;
}

}  // namespace lp_play
