// The worker thread of a session: sound frames in, finished frames into the ring.
#include <system_error>

#include "error.h"
#include "session.h"

namespace lp {

void Session::start_worker() {
  // The worker keeps the session alive, so that a callback may close it.
  worker_ = std::thread([self = shared_from_this()] { self->work(); });
}

void Session::close() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  work_.notify_all();
  drawn_.notify_all();
  if (!worker_.joinable()) return;
  if (worker_.get_id() == std::this_thread::get_id()) {
    // Inside a callback: the worker ends as soon as that returns.
    worker_.detach();
  } else {
    worker_.join();
  }
}

void Session::set_callback(lp_event_callback callback, std::int64_t user_data) {
  const std::lock_guard<std::recursive_mutex> lock(callback_mutex_);
  callback_ = callback;
  user_data_ = user_data;
}

void Session::notify(std::int32_t event, std::int64_t index) {
  const std::lock_guard<std::recursive_mutex> lock(callback_mutex_);
  if (callback_ != nullptr && !closed_) callback_(user_data_, event, index);
}

void Session::work() {
  Turn turn;
  while (next_turn(turn)) {
    try {
      if (turn.sound.has_sound) make_frame(turn);
      finish_turn(turn);
    } catch (const Error& error) {
      fail(error.status(), error.what());
    } catch (const std::bad_alloc&) {
      fail(LP_ERROR_MEMORY, "Memory ran out while a frame was made.");
    } catch (const std::exception& error) {
      fail(LP_ERROR_INTERNAL, error.what());
    }
  }
}

bool Session::next_turn(Turn& turn) {
  std::unique_lock<std::mutex> lock(mutex_);
  const bool starved = !queue_.ready();
  work_.wait(lock,
             [this] { return closed_ || (failure_ == LP_OK && queue_.ready() && !ring_.full()); });
  if (closed_) return false;
  turn.sound = queue_.take(sound_.floats());
  turn.generation = generation_;
  turn.watched = watched_.size();
  turn.shown = turn.sound.has_sound && turn.sound.index >= 0;
  turn.late = false;
  if (real_time_ && turn.shown && clock_.runs(turn.sound.utterance)) {
    const auto now = Clock::now();
    if (starved) clock_.wait_for(turn.sound.index, now);
    // The last frame is always made: it closes the mouth.
    turn.late = !turn.sound.is_last && clock_.too_late(turn.sound.index, now);
  }
  take_controls();
  return true;
}

void Session::take_controls() {
  for (Control& control : controls_) {
    if (!control.changed) continue;
    fill(executor_->value(control.input->name), control.numbers);
    executor_->mark_supplied(control.input->name);
    control.changed = false;
  }
}

void Session::make_frame(const Turn& turn) {
  const auto start = Clock::now();
  if (show_ == nullptr || prepared_watched_ != turn.watched) {
    std::set<std::string> wanted = {pipeline_.frame.value};
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      wanted.insert(watched_.begin(), watched_.end());
      prepared_watched_ = watched_.size();
      watched_values_.clear();
      for (const std::string& name : watched_) watched_values_.push_back(&executor_->value(name));
    }
    show_ = &executor_->prepare({audio_->name}, wanted, true);
    advance_ = &executor_->prepare({audio_->name}, {}, true);
  }
  if (turn.sound.utterance != last_utterance_ || turn.generation != last_generation_) {
    executor_->reset_states();
    last_utterance_ = turn.sound.utterance;
    last_generation_ = turn.generation;
    skipped_ = 0;
  }
  copy_converted(sound_, executor_->value(audio_->name));
  if (!turn.shown || turn.late) {
    executor_->run(*advance_);
    if (turn.late) ++skipped_;
    return;
  }
  executor_->run(*show_);
  pixels_->convert(executor_->value(pipeline_.frame.value), made_.picture);
  made_.values.resize(watched_values_.size());
  for (std::size_t i = 0; i < watched_values_.size(); ++i) {
    made_.values[i].resize(watched_values_[i]->count());
    read_floats(*watched_values_[i], made_.values[i].data());
  }
  made_.utterance = turn.sound.utterance;
  made_.index = turn.sound.index;
  made_.is_last = turn.sound.is_last;
  made_.engine_ms = executor_->engine_ms();
  const std::chrono::duration<double, std::milli> total = Clock::now() - start;
  made_.overhead_ms = total.count() - made_.engine_ms;
  made_.skipped_before = skipped_;
  skipped_ = 0;
}

void Session::finish_turn(const Turn& turn) {
  const bool made = turn.shown && !turn.late;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (turn.generation != generation_) {
      counters_.frames_discarded += made ? 1 : 0;
      return;
    }
    if (turn.late) ++counters_.frames_dropped;
    if (made) {
      ++counters_.frames_made;
      engine_latency_.add(made_.engine_ms);
      ring_.push(made_);
    }
  }
  drawn_.notify_all();
  if (made) notify(LP_EVENT_FRAME_READY, turn.sound.index);
  if (turn.sound.is_last) notify(LP_EVENT_UTTERANCE_END, turn.sound.utterance);
}

void Session::fail(lp_status status, const char* text) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    failure_ = status;
    failure_text_ = text;
  }
  drawn_.notify_all();
  notify(LP_EVENT_ERROR, status);
}

}  // namespace lp
