#pragma once

#include <memory>

#include <gmdiff/device/session.hpp>

namespace gmdiff {

/// The calling thread's session on a device: the one of an earlier call, unless what it was made from has changed since (the processors
/// that the thread may use, the environment, the process). A thread keeps the few that it used last until it ends.
/// @throws as the constructor of `Session`.
std::shared_ptr<const Session> thread_session(const Device& device);

}  // namespace gmdiff
