#include <doctest/doctest.h>

#include <vector>

#include "sound_queue.h"

namespace {

void push(lp::SoundQueue& queue, std::vector<float> samples) {
  queue.push(samples.data(), samples.size(), [](float sample) { return sample; });
}

std::vector<float> numbers(int first, int count) {
  std::vector<float> result;
  for (int i = 0; i < count; ++i) result.push_back(static_cast<float>(first + i));
  return result;
}

}  // namespace

TEST_CASE("full frames, then padding and look-ahead silence") {
  lp::SoundQueue queue(4, 2, 100);
  float frame[4];
  push(queue, numbers(1, 5));
  CHECK(queue.ready());
  CHECK(queue.take(frame).index == -2);
  CHECK(frame[3] == 4.0f);
  CHECK(!queue.ready());
  CHECK(queue.flush());
  CHECK(!queue.flush());
  CHECK(queue.take(frame).index == -1);
  CHECK(frame[0] == 5.0f);
  CHECK(frame[1] == 0.0f);
  const lp::SoundFrame silent = queue.take(frame);
  CHECK(silent.index == 0);
  CHECK(!silent.is_last);
  const lp::SoundFrame last = queue.take(frame);
  CHECK(last.index == 1);
  CHECK(last.is_last);
  CHECK(!queue.ready());
}

TEST_CASE("an end after the last frame has nothing to run") {
  lp::SoundQueue queue(4, 0, 100);
  float frame[4];
  push(queue, numbers(0, 4));
  CHECK(queue.take(frame).has_sound);
  CHECK(queue.flush());
  const lp::SoundFrame end = queue.take(frame);
  CHECK(end.is_last);
  CHECK(!end.has_sound);
  CHECK(end.utterance == 0);
  push(queue, numbers(0, 4));
  CHECK(queue.take(frame).utterance == 1);
}

TEST_CASE("the ring wraps and utterances stay apart") {
  lp::SoundQueue queue(4, 0, 8);
  float frame[4];
  for (int round = 0; round < 20; ++round) {
    push(queue, numbers(10 * round, 3));
    CHECK(queue.flush());
    push(queue, numbers(10 * round + 5, 4));
    CHECK(queue.flush());
    CHECK(!queue.fits(2));
    CHECK(queue.take(frame).is_last);
    CHECK(frame[2] == 10.0f * round + 2);
    CHECK(frame[3] == 0.0f);
    const lp::SoundFrame second = queue.take(frame);
    CHECK(second.utterance == 2 * round + 1);
    CHECK(frame[0] == 10.0f * round + 5);
    CHECK(queue.waiting() == 0);
  }
}

TEST_CASE("clear forgets sound and gives the next utterance a new number") {
  lp::SoundQueue queue(4, 2, 100);
  float frame[4];
  push(queue, numbers(0, 9));
  queue.take(frame);
  queue.clear();
  CHECK(!queue.ready());
  CHECK(!queue.flush());
  push(queue, numbers(0, 4));
  const lp::SoundFrame first = queue.take(frame);
  CHECK(first.utterance == 1);
  CHECK(first.index == -2);
}
