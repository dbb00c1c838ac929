// SPDX-License-Identifier: MIT
// azmon-journal: what waits in journals, told as lines of JSON. Opens files for reading only.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/version.h"
#include "journal/journal.h"
#include "journal/ring.h"
#include "journal/store.h"
#include "otlp/annotations.h"

namespace azmon::journal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUsage = R"(usage: azmon-journal ls|verify|dump DIR…

Tells what waits in the rings and segments below the directories: AZMON_RING_DIRECTORY (else /dev/shm) and AZMON_STORAGE_DIRECTORY.
One line of JSON each; changes nothing.

  ls      a line for each journal: its files, and the records that wait for each destination
  verify  a line for each file: whole or damaged
  dump    a line for each record that waits, its OTLP message in base64

Exit code: 0 done, 1 verify found damage or a directory cannot be read, 2 wrong flags.
)";
constexpr int kDepthMax = 6;

struct File {
  fs::path path;
  std::string kind;  ///< segment, definitions, ring
  std::string bytes;
  std::string problem;
  std::string writer;
  std::uint64_t records = 0;
  std::uint64_t damaged = 0;
  std::uint64_t sequence = 0;
};

struct Waiting {
  const File* file;
  std::uint64_t position;  ///< 0: in a ring, where it has none yet
  otlp::RecordView record;
};

struct Found {
  fs::path path;
  Cursors cursors{};
  std::vector<File> files;
  std::map<std::uint32_t, std::string> definitions;
};

std::string ReadFile(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(path, error)) || fs::file_size(path, error) > limits::kJournalFileBytesMax) return {};
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::string_view KindOf(std::string_view name) {
  if (name.starts_with(kSegmentPrefix)) return "segment";
  if (name.starts_with(kDefinitionsPrefix)) return "definitions";
  return name.starts_with(kRingPrefix) ? "ring" : "";
}

/// Walks over the records of a file; `each` gets their positions, 0 for those in rings.
template <typename Each>
void ForEachRecord(File& file, Each&& each) {
  if (file.kind == "ring") {
    const auto header = ReadRingHeader(file.bytes);
    if (!header.ok()) {
      file.problem = header.error().ToString();
      return;
    }
    const bool is_whole = ReadOrphanedRing(file.bytes, *header, {}, [&](std::string_view run, std::uint64_t) {
      for (RecordReader records(run); records.Next();) each(std::uint64_t{0}, records.Record());
    });
    if (!is_whole) ++file.damaged;
    return;
  }
  const auto header = ReadSegmentHeader(file.bytes);
  if (!header.ok()) {
    file.problem = header.error().ToString();
    return;
  }
  file.writer = header->writer;
  file.sequence = header->sequence;
  BlockReader blocks(file.bytes, header->journal);
  while (blocks.Next()) {
    std::uint64_t position = blocks.Header().first_position;
    std::uint32_t found = 0;
    for (RecordReader records(blocks.Payload()); records.Next();) {
      const bool is_definition = IsDefinition(records.Record().signal);
      each(is_definition ? 0 : position, records.Record());
      if (is_definition) continue;
      ++position;
      ++found;
    }
    file.damaged += blocks.Header().records - std::min(found, blocks.Header().records);
  }
  if (file.damaged == 0 && blocks.StrayBytes() != 0) ++file.damaged;
}

Found ReadJournal(const fs::path& path) {
  Found found{.path = path};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    const std::string name = entry.path().filename();
    if (name == kCursorName) found.cursors = ReadCursors(ReadFile(entry.path()));
    if (KindOf(name).empty()) continue;
    found.files.push_back({.path = entry.path(), .kind = std::string(KindOf(name)), .bytes = ReadFile(entry.path())});
  }
  std::ranges::sort(found.files, {}, &File::path);
  for (File& file : found.files) {
    ForEachRecord(file, [&](std::uint64_t, const otlp::RecordView& record) {
      ++file.records;
      if (IsDefinition(record.signal)) found.definitions.try_emplace(record.owner, record.message);
    });
  }
  return found;
}

std::vector<Waiting> WaitingIn(Found& found) {
  std::vector<Waiting> waiting;
  for (File& file : found.files) {
    if (file.kind == "definitions") continue;
    const std::uint64_t damaged = file.damaged;
    ForEachRecord(file, [&](std::uint64_t position, const otlp::RecordView& record) {
      if (IsDefinition(record.signal)) return;
      std::uint8_t flags = record.flags & otlp::kSampled;
      for (std::size_t i = 0; i < kDestinations; ++i) {
        const std::uint8_t flag = FlagOf(static_cast<Destination>(i));
        if ((record.flags & flag) != 0 && (position == 0 || position > found.cursors.settled[i])) flags |= flag;
      }
      if ((flags & ~otlp::kSampled) == 0) return;
      waiting.push_back({.file = &file, .position = position, .record = record});
      waiting.back().record.flags = flags;
    });
    file.damaged = damaged;
  }
  return waiting;
}

void Print(std::string& line) {
  line.push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stdout);
  line.clear();
}

void List(Found& found) {
  std::array<std::uint64_t, kDestinations> records{};
  const std::vector<Waiting> waiting = WaitingIn(found);
  std::uint64_t bytes = 0;
  for (const Waiting& item : waiting) {
    bytes += item.record.Bytes();
    for (std::size_t i = 0; i < kDestinations; ++i) records[i] += (item.record.flags & FlagOf(static_cast<Destination>(i))) != 0 ? 1 : 0;
  }
  const auto count = [&](std::string_view kind) { return static_cast<std::uint64_t>(std::ranges::count(found.files, kind, &File::kind)); };
  std::string line;
  base::JsonWriter json(line);
  json.OpenObject().Member("journal", found.path.string()).Member("segments", count("segment")).Member("rings", count("ring"));
  json.Member("records", static_cast<std::uint64_t>(waiting.size())).Member("bytes", bytes).Key("waiting").OpenObject();
  for (std::size_t i = 0; i < kDestinations; ++i) json.Member(Name(static_cast<Destination>(i)), records[i]);
  json.CloseObject().CloseObject();
  Print(line);
}

bool Verify(const Found& found) {
  bool is_whole = true;
  for (const File& file : found.files) {
    const bool is_empty = file.bytes.find_first_not_of('\0') == std::string::npos;  // reserved, and not begun
    const bool ok = is_empty || (file.problem.empty() && file.damaged == 0);
    is_whole &= ok;
    std::string line;
    base::JsonWriter json(line);
    json.OpenObject().Member("file", file.path.string()).Member("kind", file.kind).Member("ok", ok).Member("records", file.records);
    json.Member("damaged", file.damaged);
    if (!file.writer.empty()) json.Member("writer", file.writer);
    if (!file.problem.empty() && !is_empty) json.Member("problem", file.problem);
    json.CloseObject();
    Print(line);
  }
  return is_whole;
}

void Dump(Found& found) {
  for (const Waiting& item : WaitingIn(found)) {
    std::string line;
    base::JsonWriter json(line);
    json.OpenObject().Member("file", item.file->path.string());
    if (item.position != 0) json.Member("position", item.position);
    json.Member("signal", item.record.signal == otlp::Signal::kSpan ? "span" : item.record.signal == otlp::Signal::kLog ? "log" : "metric");
    json.Key("destinations").OpenArray();
    for (std::size_t i = 0; i < kDestinations; ++i) {
      if ((item.record.flags & FlagOf(static_cast<Destination>(i))) != 0) json.String(Name(static_cast<Destination>(i)));
    }
    json.CloseArray();
    if (const auto scope = found.definitions.find(item.record.owner); scope != found.definitions.end()) json.Member("scope", base::Base64(scope->second));
    json.Member("message", base::Base64(item.record.message)).CloseObject();
    Print(line);
  }
}

/// Every directory with files of a journal at or below `path`, the deeper ones after their parents.
void Find(const fs::path& path, int depth, std::vector<fs::path>& journals) {
  std::error_code error;
  bool is_journal = false;
  std::vector<fs::path> below;
  for (const auto& entry : fs::directory_iterator(path, fs::directory_options::skip_permission_denied, error)) {
    const std::string name = entry.path().filename();
    if (entry.is_directory(error) && !entry.is_symlink(error)) {
      if (name != kQuarantineName) below.push_back(entry.path());
    } else {
      is_journal |= !KindOf(name).empty() || name == kCursorName;
    }
  }
  if (is_journal) journals.push_back(path);
  std::ranges::sort(below);
  if (depth == 0) return;
  for (const fs::path& directory : below) Find(directory, depth - 1, journals);
}

int Main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "--help" || command == "-h") {
    std::fwrite(kUsage.data(), 1, kUsage.size(), stdout);
    return 0;
  }
  if (command == "--version") {
    std::printf("azmon-journal %s\n", base::kVersion);
    return 0;
  }
  if ((command != "ls" && command != "verify" && command != "dump") || argc < 3) {
    std::fwrite(kUsage.data(), 1, kUsage.size(), stderr);
    return 2;
  }
  int code = 0;
  for (int i = 2; i < argc; ++i) {
    std::error_code error;
    if (!fs::is_directory(argv[i], error)) {
      std::fprintf(stderr, "azmon-journal: %s is no directory that can be read\n", argv[i]);
      code = 1;
      continue;
    }
    std::vector<fs::path> journals;
    Find(argv[i], kDepthMax, journals);
    for (const fs::path& path : journals) {
      Found found = ReadJournal(path);
      if (command == "ls") List(found);
      if (command == "dump") Dump(found);
      if (command == "verify" && !Verify(found)) code = 1;
    }
  }
  return code;
}

}  // namespace
}  // namespace azmon::journal

int main(int argc, char** argv) { return azmon::journal::Main(argc, argv); }
