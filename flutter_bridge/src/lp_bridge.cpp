// The C ABI: checks what C cannot, finds the session, and turns exceptions into statuses.
#include "lp_bridge.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "error.h"
#include "last_error.h"
#include "session.h"
#include "session_registry.h"

namespace {

using lp::Error;

lp_status failed(lp_status status, const char* text) noexcept {
  lp::set_last_error(text);
  return status;
}

// Run a call's body; no exception leaves this function.
template <typename Body>
lp_status guarded(Body body) noexcept {
  try {
    return body();
  } catch (const Error& error) {
    return failed(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return failed(LP_ERROR_MEMORY, "Memory ran out.");
  } catch (const std::exception& error) {
    return failed(LP_ERROR_INTERNAL, error.what());
  } catch (...) {
    return failed(LP_ERROR_INTERNAL, "An unknown exception.");
  }
}

template <typename Pointer>
void require(Pointer pointer, const char* name) {
  if (pointer == nullptr) {
    throw Error(LP_ERROR_ARGUMENT, {std::string("The argument '") + name + "' is null."});
  }
}

[[noreturn]] void wrong_size(const char* name, std::size_t expected, std::uint32_t got) {
  throw Error(LP_ERROR_ABI, {std::string("The size of ") + name + " is not of this library.", "",
                             "struct_size " + std::to_string(expected), std::to_string(got),
                             "set struct_size to sizeof, and build against this library's header"});
}

// A struct from the caller. This is the first version of every struct: one size fits.
template <typename Struct>
Struct read_struct(const Struct* given, const char* name) {
  require(given, name);
  if (given->struct_size != sizeof(Struct)) {
    wrong_size(name, sizeof(Struct), given->struct_size);
  }
  return *given;
}

// A struct for the caller: `fill` gets a zeroed one, which is copied out if it does not throw.
template <typename Struct, typename Fill>
lp_status write_struct(Struct* wanted, const char* name, Fill fill) {
  Struct result = read_struct(wanted, name);
  std::memset(static_cast<void*>(&result), 0, sizeof result);
  const lp_status status = fill(result);
  if (status != LP_OK) return status;
  result.struct_size = sizeof(Struct);
  *wanted = result;
  return LP_OK;
}

lp_status write_text(const std::string& text, char* to, uint64_t capacity, uint64_t* needed) {
  if (needed != nullptr) *needed = text.size() + 1;
  if (to == nullptr || capacity < text.size() + 1) {
    throw Error(
        LP_ERROR_BUFFER_TOO_SMALL,
        {"The buffer is too small for the text.", "", std::to_string(text.size() + 1) + " bytes",
         std::to_string(to == nullptr ? 0 : capacity) + " bytes"});
  }
  std::memcpy(to, text.c_str(), text.size() + 1);
  return LP_OK;
}

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

void require_range(std::int64_t value, std::int64_t low, std::int64_t high, const char* name) {
  if (value < low || value > high) {
    throw Error(LP_ERROR_ARGUMENT,
                {std::string("The option '") + name + "' is out of range.", "",
                 std::to_string(low) + " to " + std::to_string(high), std::to_string(value)});
  }
}

lp::SessionOptions session_options(const lp_open_options* given) {
  lp::SessionOptions options;
  if (given == nullptr) return options;
  // The version first: structs of another version may have another size.
  constexpr std::size_t kUntilVersion = 2 * sizeof(uint32_t);
  if (given->struct_size < kUntilVersion) {
    wrong_size("lp_open_options", sizeof *given, given->struct_size);
  }
  if (given->abi_version != LP_ABI_VERSION) {
    throw Error(LP_ERROR_ABI,
                {"The caller was built for another version of this library.", "",
                 "abi_version " + std::to_string(LP_ABI_VERSION),
                 std::to_string(given->abi_version), "ship the library that belongs to the app"});
  }
  const lp_open_options checked = read_struct(given, "lp_open_options");
  require_range(checked.thread_count, 0, 256, "thread_count");
  require_range(checked.frame_capacity, 0, 64, "frame_capacity");
  require_range(checked.sound_capacity_ms, 0, 3600000, "sound_capacity_ms");
  require_range(checked.pacing, LP_PACING_NONE, LP_PACING_REAL_TIME, "pacing");
  require_range(checked.picture, LP_PICTURE_PORTRAIT, LP_PICTURE_FRAME, "picture");
  require_range(checked.skip_hashes, 0, 1, "skip_hashes");
  options.target = text_or_empty(checked.target);
  options.precision = text_or_empty(checked.precision);
  options.engine.library = text_or_empty(checked.engine_library);
  if (checked.execution_provider != nullptr) {
    options.engine.execution_providers = {checked.execution_provider};
    options.engine.is_provider_required = true;
  }
  options.engine.thread_count = checked.thread_count;
  if (checked.frame_capacity != 0) options.frame_capacity = checked.frame_capacity;
  if (checked.sound_capacity_ms != 0) options.sound_capacity_ms = checked.sound_capacity_ms;
  options.real_time = checked.pacing == LP_PACING_REAL_TIME;
  options.picture = checked.picture;
  options.check_hashes = checked.skip_hashes == 0;
  return options;
}

}  // namespace

extern "C" {

uint32_t lp_abi_version(void) { return LP_ABI_VERSION; }

const char* lp_status_name(lp_status status) {
  switch (status) {
    case LP_OK:
      return "LP_OK";
    case LP_NO_FRAME:
      return "LP_NO_FRAME";
    case LP_QUEUE_FULL:
      return "LP_QUEUE_FULL";
    case LP_ERROR_ARGUMENT:
      return "LP_ERROR_ARGUMENT";
    case LP_ERROR_CLOSED:
      return "LP_ERROR_CLOSED";
    case LP_ERROR_BUFFER_TOO_SMALL:
      return "LP_ERROR_BUFFER_TOO_SMALL";
    case LP_ERROR_ABI:
      return "LP_ERROR_ABI";
    case LP_ERROR_BUNDLE:
      return "LP_ERROR_BUNDLE";
    case LP_ERROR_SCHEMA:
      return "LP_ERROR_SCHEMA";
    case LP_ERROR_ENGINE_ABSENT:
      return "LP_ERROR_ENGINE_ABSENT";
    case LP_ERROR_ENGINE_TOO_OLD:
      return "LP_ERROR_ENGINE_TOO_OLD";
    case LP_ERROR_ENGINE:
      return "LP_ERROR_ENGINE";
    case LP_ERROR_UNSUPPORTED:
      return "LP_ERROR_UNSUPPORTED";
    case LP_ERROR_SAMPLE_RATE:
      return "LP_ERROR_SAMPLE_RATE";
    case LP_ERROR_MEMORY:
      return "LP_ERROR_MEMORY";
    case LP_ERROR_INTERNAL:
      return "LP_ERROR_INTERNAL";
    default:
      return "unknown status";
  }
}

lp_status lp_last_error(char* text, uint64_t capacity_bytes, uint64_t* needed_bytes) {
  // No text of its own on failure: it would overwrite the one that is asked for.
  const std::string& message = lp::last_error();
  if (needed_bytes != nullptr) *needed_bytes = message.size() + 1;
  if (capacity_bytes == 0) return LP_OK;
  if (text == nullptr) return LP_ERROR_ARGUMENT;
  const std::size_t length =
      static_cast<std::size_t>(std::min<uint64_t>(message.size(), capacity_bytes - 1));
  std::memcpy(text, message.data(), length);
  text[length] = '\0';
  return LP_OK;
}

lp_status lp_open(const char* bundle_path, const lp_open_options* options, lp_session** session) {
  return guarded([&] {
    require(bundle_path, "bundle_path");
    require(session, "session");
    auto opened = lp::Session::open(bundle_path, session_options(options));
    *session = lp::register_session(std::move(opened));
    return LP_OK;
  });
}

void lp_close(void* session) {
  if (auto closed = lp::unregister_session(static_cast<const lp_session*>(session))) {
    guarded([&] {
      closed->close();
      return LP_OK;
    });
  }
}

lp_status lp_get_info(lp_session* session, lp_info* info) {
  return guarded([&] {
    const auto found = lp::find_session(session);
    return write_struct(info, "lp_info", [&](lp_info& result) {
      found->get_info(result);
      return LP_OK;
    });
  });
}

lp_status lp_describe(lp_session* session, char* json, uint64_t capacity_bytes,
                      uint64_t* needed_bytes) {
  return guarded([&] {
    return write_text(lp::find_session(session)->description(), json, capacity_bytes, needed_bytes);
  });
}

lp_status lp_set_callback(lp_session* session, lp_event_callback callback, int64_t user_data) {
  return guarded([&] {
    lp::find_session(session)->set_callback(callback, user_data);
    return LP_OK;
  });
}

lp_status lp_push_pcm(lp_session* session, const float* samples, uint64_t sample_count,
                      uint32_t sample_rate_hz) {
  return guarded([&] {
    const auto found = lp::find_session(session);
    require(samples, "samples");
    return found->push(samples, sample_count, sample_rate_hz);
  });
}

lp_status lp_push_pcm16(lp_session* session, const int16_t* samples, uint64_t sample_count,
                        uint32_t sample_rate_hz) {
  return guarded([&] {
    const auto found = lp::find_session(session);
    require(samples, "samples");
    return found->push(samples, sample_count, sample_rate_hz);
  });
}

lp_status lp_flush(lp_session* session) {
  return guarded([&] {
    lp::find_session(session)->flush();
    return LP_OK;
  });
}

lp_status lp_reset(lp_session* session) {
  return guarded([&] {
    lp::find_session(session)->reset();
    return LP_OK;
  });
}

lp_status lp_set_emotion(lp_session* session, const char* label, float intensity) {
  return guarded([&] {
    const auto found = lp::find_session(session);
    require(label, "label");
    found->set_emotion(label, intensity);
    return LP_OK;
  });
}

lp_status lp_set_control(lp_session* session, const char* name, const float* values,
                         uint64_t value_count) {
  return guarded([&] {
    const auto found = lp::find_session(session);
    require(name, "name");
    require(values, "values");
    found->set_control(name, values, value_count);
    return LP_OK;
  });
}

lp_status lp_set_background(lp_session* session, const lp_background* background) {
  return guarded([&] {
    const auto found = lp::find_session(session);
    found->set_background(read_struct(background, "lp_background"));
    return LP_OK;
  });
}

lp_status lp_render(lp_session* session, const lp_surface* surface, uint32_t timeout_ms,
                    lp_frame_info* frame) {
  return guarded([&] {
    const auto found = lp::find_session(session);
    const lp_surface checked = read_struct(surface, "lp_surface");
    lp_frame_info unwanted = {};
    unwanted.struct_size = sizeof unwanted;
    return write_struct(
        frame == nullptr ? &unwanted : frame, "lp_frame_info",
        [&](lp_frame_info& info) { return found->render(checked, timeout_ms, info); });
  });
}

lp_status lp_render_again(lp_session* session, const lp_surface* surface) {
  return guarded([&] {
    const auto found = lp::find_session(session);
    return found->render_again(read_struct(surface, "lp_surface"));
  });
}

lp_status lp_watch(lp_session* session, const char* name) {
  return guarded([&] {
    const auto found = lp::find_session(session);
    require(name, "name");
    found->watch(name);
    return LP_OK;
  });
}

lp_status lp_read_value(lp_session* session, const char* name, float* values,
                        uint64_t capacity_values, uint64_t* value_count) {
  return guarded([&] {
    const auto found = lp::find_session(session);
    require(name, "name");
    return found->read_value(name, values, capacity_values, value_count);
  });
}

lp_status lp_self_check(lp_session* session, lp_self_check_result* result) {
  return guarded([&] {
    const auto found = lp::find_session(session);
    return write_struct(result, "lp_self_check_result", [&](lp_self_check_result& checked) {
      found->run_self_check(checked);
      return LP_OK;
    });
  });
}

lp_status lp_self_check_report(lp_session* session, char* json, uint64_t capacity_bytes,
                               uint64_t* needed_bytes) {
  return guarded([&] {
    return write_text(lp::find_session(session)->self_check_report(), json, capacity_bytes,
                      needed_bytes);
  });
}

lp_status lp_get_statistics(lp_session* session, lp_statistics* statistics) {
  return guarded([&] {
    const auto found = lp::find_session(session);
    return write_struct(statistics, "lp_statistics", [&](lp_statistics& result) {
      found->get_statistics(result);
      return LP_OK;
    });
  });
}

}  // extern "C"
