// SPDX-License-Identifier: Apache-2.0
#include "viaduct/share/jobs.h"

#include <condition_variable>
#include <exception>

namespace viaduct::share {

struct Jobs::Job {
  const std::function<void()>& body;
  std::mutex mutex;
  std::condition_variable changed;
  std::exception_ptr thrown;
  bool done{};

  void run() {
    try {
      body();
    } catch (...) {
      thrown = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  }
};

void Jobs::call(const std::function<void()>& body) {
  Job job{.body = body};
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return body();
    jobs_.push_back(&job);
  }
  std::unique_lock lock(job.mutex);
  job.changed.wait(lock, [&] { return job.done; });
  if (job.thrown) std::rethrow_exception(job.thrown);
}

void Jobs::open() {
  const std::lock_guard lock(mutex_);
  closed_ = false;
}

std::size_t Jobs::do_one() {
  Job* job = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty()) return 0;
    job = jobs_.front();
    jobs_.pop_front();
  }
  job->run();
  return 1;
}

void Jobs::close() {
  for (bool is_closed = false; !is_closed;) {
    while (do_one() != 0) {
    }
    const std::lock_guard lock(mutex_);
    closed_ = is_closed = jobs_.empty();
  }
}

}  // namespace viaduct::share
