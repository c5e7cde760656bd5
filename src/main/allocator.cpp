// SPDX-License-Identifier: Apache-2.0
// What jemalloc is to do, which it reads at the start; MALLOC_CONF in the environment goes before it.
// A million bindings are anywhere in 300 MB: on small pages each takes a walk through the page tables, on a virtual machine through two.
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "thp:always,metadata_thp:auto";
}
