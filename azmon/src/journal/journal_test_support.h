// SPDX-License-Identifier: MIT
// What the tests of a journal in directories share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "journal/journal.h"

namespace azmon::journal {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using enum Destination;
using Strings = std::vector<std::string>;

inline constexpr std::uint8_t kBoth = otlp::kSampled | otlp::kForAzure | otlp::kForOtlp;

class FakeClock final : public base::Clock {
 public:
  base::SteadyTime Now() const override { return base::SteadyTime(1000h) + passed_; }
  base::WallTime WallNow() const override { return base::WallTime(1'800'000'000s) + passed_; }
  void Advance(std::chrono::milliseconds by) { passed_ += by; }

 private:
  std::chrono::milliseconds passed_{0};
};

/// Runs `work` in a process of its own, which then dies by SIGKILL: no destructor may run, so it makes its journal with new.
template <typename Work>
void InProcessThatIsKilled(Work&& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

class DurableTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::is_directory("/dev/shm")) GTEST_SKIP() << "no /dev/shm";
    const std::string name = "azmon-test-" + std::to_string(::getpid()) + "-" + testing::UnitTest::GetInstance()->current_test_info()->name();
    shared_ = "/dev/shm/" + name;
    disk_ = fs::temp_directory_path().string() + "/" + name;
    fs::remove_all(shared_);
    fs::remove_all(disk_);
    fs::create_directories(shared_);
    fs::create_directories(disk_);
  }
  void TearDown() override {
    if (shared_.empty()) return;
    fs::remove_all(shared_);
    fs::remove_all(disk_);
  }

  JournalOptions Options() {
    JournalOptions options;
    options.ring_directories = {shared_};
    options.storage_directories = {disk_};
    options.identities = {"https://azure.example\nkey", "https://otlp.example"};
    options.clock = &clock_;
    options.warn = [this](std::string_view line) { warnings_.emplace_back(line); };
    return options;
  }

  static std::uint32_t ScopeIn(Journal& journal, std::string_view resource = "resource") {
    return journal.AddScope(journal.AddResource(resource, "schema"), "scope", "");
  }
  static void Append(Journal& journal, std::uint32_t scope, std::string_view message, std::uint8_t flags = kBoth) {
    EXPECT_TRUE(journal.Append({.signal = otlp::Signal::kSpan, .flags = flags, .owner = scope, .message = message}).ok());
  }
  static Strings Messages(const Batch& batch) {
    Strings messages;
    for (const auto& entry : batch.entries) messages.emplace_back(entry.record.message);
    return messages;
  }
  static Strings Waiting(const Journal& journal, Destination destination) { return Messages(journal.Read(destination, 1'000'000, 1u << 30)); }
  static void Deliver(Journal& journal, Destination destination, std::size_t records = 1'000'000) {
    const Batch batch = journal.Read(destination, records, 1u << 30);
    journal.Settle(destination, batch, {.delivered = batch.entries.size()});
  }
  static void ExpectSumHolds(const Journal& journal) {
    for (const auto destination : {kAzure, kOtlp}) {
      const Ledger ledger = journal.LedgerOf(destination);
      EXPECT_EQ(ledger.accepted, ledger.delivered + ledger.DroppedTotal() + ledger.in_journal) << Name(destination);
      EXPECT_EQ(ledger.in_journal, journal.BacklogOf(destination).records) << Name(destination);
    }
  }
  static std::uint64_t Dropped(const Journal& journal, Destination destination, DropReason reason) {
    return journal.LedgerOf(destination).dropped[static_cast<std::size_t>(reason)];
  }
  /// Files below a directory but locks.
  static std::vector<fs::path> FilesIn(const std::string& directory) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (entry.is_regular_file() && entry.path().filename() != "lock") files.push_back(entry.path());
    }
    return files;
  }
  static std::uint64_t BytesIn(const std::string& directory) {
    std::uint64_t bytes = 0;
    for (const auto& file : FilesIn(directory)) bytes += fs::file_size(file);
    return bytes;
  }

  FakeClock clock_;
  std::string shared_;
  std::string disk_;
  Strings warnings_;
};

}  // namespace azmon::journal
