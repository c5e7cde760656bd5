// SPDX-License-Identifier: Apache-2.0
// What ThreadSanitizer cannot see in DPDK, told to it: orders made inside its shared libraries or by atomics of mixed width. Nothing in other builds.
#pragma once

#if defined(__has_feature)
#define VIADUCT_TSAN __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define VIADUCT_TSAN 1
#else
#define VIADUCT_TSAN 0
#endif

#if VIADUCT_TSAN
extern "C" {
void __tsan_acquire(void* place);
void __tsan_release(void* place);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace viaduct::share {

#if VIADUCT_TSAN
/// All that this thread did before is seen by who acquires `place` afterwards.
inline void tell_release(void* place) { __tsan_release(place); }
inline void tell_acquire(void* place) { __tsan_acquire(place); }
/// While one lives, this thread's plain accesses are not judged.
class Unjudged {
 public:
  Unjudged() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Unjudged() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
  Unjudged(const Unjudged&) = delete;
  Unjudged& operator=(const Unjudged&) = delete;
};
#else
inline void tell_release(void*) {}
inline void tell_acquire(void*) {}
class Unjudged {
 public:
  Unjudged() {}
  ~Unjudged() {}
  Unjudged(const Unjudged&) = delete;
  Unjudged& operator=(const Unjudged&) = delete;
};
#endif

}  // namespace viaduct::share
