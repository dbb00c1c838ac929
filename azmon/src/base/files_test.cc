// SPDX-License-Identifier: MIT
#include "base/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>

namespace azmon::base {
namespace {

namespace fs = std::filesystem;

/// A machine's /proc and /sys, as far as they say how much memory a process may use.
class CgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path().string() + "/azmon-files-test-" + std::to_string(::getpid());
    fs::remove_all(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void Put(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text << "\n";
  }

  std::string root_;
};

TEST_F(CgroupTest, WithoutALimitThereIsNone) {
  EXPECT_EQ(CgroupMemoryBytes(root_), std::numeric_limits<std::uint64_t>::max()) << "no /proc at all";
  Put("/proc/self/cgroup", "0::/a");
  Put("/sys/fs/cgroup/a/memory.max", "max");
  EXPECT_EQ(CgroupMemoryBytes(root_), std::numeric_limits<std::uint64_t>::max());
}

TEST_F(CgroupTest, LeastLimitOfTheGroupsAroundCounts) {
  Put("/proc/self/cgroup", "0::/slice/service/inner");
  Put("/sys/fs/cgroup/slice/service/inner/memory.max", "max");
  Put("/sys/fs/cgroup/slice/service/memory.max", "3000");
  Put("/sys/fs/cgroup/slice/memory.max", "2000");
  EXPECT_EQ(CgroupMemoryBytes(root_), 2000U);
}

TEST_F(CgroupTest, LimitAtTheRootOfAContainersMountCounts) {
  Put("/proc/self/cgroup", "0::/");
  Put("/sys/fs/cgroup/memory.max", "268435456");
  EXPECT_EQ(CgroupMemoryBytes(root_), 268435456U);
}

TEST_F(CgroupTest, VersionOneIsReadWhereItIsMounted) {
  Put("/proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/0123\n0::/");
  Put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824");
  EXPECT_EQ(CgroupMemoryBytes(root_), 1073741824U) << "the container sees its own group as the root";
  Put("/sys/fs/cgroup/memory/docker/0123/memory.limit_in_bytes", "536870912");
  EXPECT_EQ(CgroupMemoryBytes(root_), 536870912U);
}

}  // namespace
}  // namespace azmon::base
