// SPDX-License-Identifier: Apache-2.0
//
// How many CPUs this process may really use. Any thread.
#pragma once

// The CPU affinity and the cgroup's quota (cpu.max of cgroup v2, cpu.cfs_quota_us of v1), whichever
// is less; at least 1.
unsigned cpus_usable(void);
