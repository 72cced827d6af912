// A small stand-in for libFuzzer: runs every file of the corpus, then random mutations of them.
// Understands `-seed=N`, `-runs=N`, `-max_total_time=SECONDS` and folders, nothing else.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// Only where a target brings its own.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t capacity, unsigned seed)
    __attribute__((weak));

namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t limit) { return random() % limit; }

void mutate(std::string& input, const std::vector<std::string>& corpus, Random& random) {
  const std::size_t changes = 1 + below(random, 6);
  for (std::size_t i = 0; i < changes && !input.empty(); ++i) {
    const std::size_t at = below(random, input.size());
    const std::size_t length = 1 + below(random, std::min<std::size_t>(32, input.size() - at));
    const std::string& other = corpus[below(random, corpus.size())];
    switch (below(random, 6)) {
      case 0:
        input[at] = static_cast<char>(input[at] ^ (1 << below(random, 8)));
        break;
      case 1:
        input[at] = "0123456789-.eE[]{},:\"nt\\/"[below(random, 24)];
        break;
      case 2:
        input.erase(at, length);
        break;
      case 3:
        input.insert(at, input.substr(at, length));
        break;
      case 4:
        input.insert(at, "9999999999999999999");
        break;
      default:
        if (!other.empty())
          input.replace(at, length, other.substr(below(random, other.size()), 64));
    }
  }
}

void mutate_by_target(std::string& input, Random& random) {
  const std::size_t size = input.size();
  const std::size_t changes = 1 + below(random, 4);
  input.resize(size + 4096);
  auto* const data = reinterpret_cast<std::uint8_t*>(input.data());
  std::size_t length = size;
  for (std::size_t i = 0; i < changes; ++i) {
    length =
        LLVMFuzzerCustomMutator(data, length, input.size(), static_cast<unsigned>(random()));
  }
  input.resize(length);
}

// In the order of their names: folders list them as they like.
void read_folder(const char* folder, std::vector<std::string>& corpus) {
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.insert(entry.path());
  for (const auto& file : files) {
    std::ifstream stream(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
}

}  // namespace

int main(int argc, char** argv) {
  long seconds = 0;
  unsigned long wanted = 0;
  unsigned long seed = std::random_device()();
  std::vector<std::string> corpus;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "-max_total_time=", 16) == 0) seconds = std::atol(argv[i] + 16);
    if (std::strncmp(argv[i], "-runs=", 6) == 0) wanted = std::strtoul(argv[i] + 6, nullptr, 10);
    if (std::strncmp(argv[i], "-seed=", 6) == 0) seed = std::strtoul(argv[i] + 6, nullptr, 10);
    if (argv[i][0] != '-') read_folder(argv[i], corpus);
  }
  const auto run = [](const std::string& input) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  };
  for (const std::string& input : corpus) run(input);
  Random random(seed);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  const auto goes_on = [&](unsigned long runs) {
    return (wanted == 0 || runs < wanted) &&
           (seconds == 0 || std::chrono::steady_clock::now() < end);
  };
  unsigned long runs = corpus.size();
  while (!corpus.empty() && goes_on(runs)) {
    std::string input = corpus[below(random, corpus.size())];
    if (LLVMFuzzerCustomMutator != nullptr) {
      mutate_by_target(input, random);
    } else {
      mutate(input, corpus, random);
    }
    // Where it crashes, the input is found in this file.
    std::ofstream("fuzz_last_input", std::ios::binary) << input;
    run(input);
    ++runs;
  }
  std::printf("Done %lu runs.\n", runs);
  return 0;
}
