#pragma once

#include <memory>

#include <gmdiff/device/session.hpp>

namespace gmdiff {

/// The calling thread's session on a device. Reuses the session of an earlier call unless the values that it
/// was made from have changed since (the processors that the thread may use, the environment, the process).
/// Until it ends, a thread keeps the few sessions that it used most recently.
/// @throws as the constructor of `Session`.
std::shared_ptr<const Session> thread_session(const Device& device);

}  // namespace gmdiff
