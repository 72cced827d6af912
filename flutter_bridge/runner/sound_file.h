// Sound from a file: a plain WAV, or bare samples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lp_play {

// Signed 16-bit samples, mono. A file that begins like a WAV must be one of 16 bits, one channel
// and this rate; any other is taken as little-endian samples. Throws UsageError.
std::vector<std::int16_t> read_sound(const std::string& path, std::uint32_t rate_hz);

// Noise of this length; always the same.
std::vector<std::int16_t> make_noise(std::size_t count);

}  // namespace lp_play
