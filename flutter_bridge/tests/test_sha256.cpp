#include <doctest/doctest.h>

#include <string>

#include "sha256.h"

namespace {

std::string hash(const std::string& text) {
  lp::Sha256 sha;
  sha.update(text.data(), text.size());
  return sha.hex_digest();
}

}  // namespace

// The examples of FIPS 180-4.
TEST_CASE("known messages") {
  CHECK(hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hash(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("pieces of any length give the same hash") {
  const std::string text(1000, 'x');
  for (const std::size_t piece : {1u, 7u, 63u, 64u, 65u, 500u}) {
    lp::Sha256 sha;
    for (std::size_t i = 0; i < text.size(); i += piece) {
      sha.update(text.data() + i, std::min(piece, text.size() - i));
    }
    CHECK(sha.hex_digest() == hash(text));
  }
}
