// Which sessions are open. A caller holds a ticket, not an address, so that using a session after
// it was closed is an error and not a crash.
#pragma once

#include <memory>

#include "lp_bridge.h"
#include "session.h"

namespace lp {

lp_session* register_session(std::shared_ptr<Session> session);

// Throws Error(LP_ERROR_CLOSED) when the ticket is not of an open session.
std::shared_ptr<Session> find_session(const lp_session* ticket);

// Null when the ticket is not of an open session.
std::shared_ptr<Session> unregister_session(const lp_session* ticket) noexcept;

}  // namespace lp
