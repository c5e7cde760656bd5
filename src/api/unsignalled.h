// SPDX-License-Identifier: Apache-2.0
// A thread that takes no signal: those are for the thread that waits for them.
#pragma once
#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace viaduct::api {

/// What it starts takes none either.
[[nodiscard]] std::thread start_unsignalled(auto body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread{std::move(body)};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), "viaduct-api");
  return thread;
}

}  // namespace viaduct::api
