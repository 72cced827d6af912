#include "session_registry.h"

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "error.h"

namespace lp {
namespace {

struct Registry {
  std::mutex mutex;
  std::unordered_map<std::uintptr_t, std::shared_ptr<Session>> sessions;
  std::uintptr_t next = 0;
};

Registry& registry() {
  // Never destroyed: a finalizer of another language may close a session after main has returned.
  static auto* const instance = new Registry;
  return *instance;
}

// Tickets are odd, which no address of an object is.
constexpr std::uintptr_t kStep = 2;

}  // namespace

lp_session* register_session(std::shared_ptr<Session> session) {
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  do {
    all.next = (all.next + kStep) | 1;
  } while (all.sessions.count(all.next) > 0);
  all.sessions.emplace(all.next, std::move(session));
  return reinterpret_cast<lp_session*>(all.next);
}

std::shared_ptr<Session> find_session(const lp_session* ticket) {
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.sessions.find(reinterpret_cast<std::uintptr_t>(ticket));
  if (found == all.sessions.end()) {
    throw Error(LP_ERROR_CLOSED,
                {"The session is closed or was never opened.", "", "what lp_open returned",
                 ticket == nullptr ? "null" : "a session that is not open"});
  }
  return found->second;
}

std::shared_ptr<Session> unregister_session(const lp_session* ticket) noexcept {
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.sessions.find(reinterpret_cast<std::uintptr_t>(ticket));
  if (found == all.sessions.end()) return nullptr;
  std::shared_ptr<Session> session = std::move(found->second);
  all.sessions.erase(found);
  return session;
}

}  // namespace lp
