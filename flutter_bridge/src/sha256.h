// SHA-256 (FIPS 180-4), for the hashes in a manifest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace lp {

class Sha256 {
 public:
  void update(const void* data, std::size_t size) noexcept;

  // Ends the message; 64 lower-case hexadecimal digits. The object is spent afterwards.
  std::string hex_digest();

 private:
  static constexpr std::size_t kBlock = 64;

  void compress(const std::uint8_t* block) noexcept;

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, kBlock> pending_ = {};
  std::size_t pending_size_ = 0;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace lp
