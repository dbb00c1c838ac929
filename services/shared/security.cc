// SPDX-License-Identifier: MIT
#include "services/shared/security.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/text.h"
#include "services/shared/limits.h"
#include "services/shared/log.h"

namespace services {
namespace {

using azmon::Error;
using azmon::ErrorCode;
using azmon::Result;
using azmon::base::Split;
using azmon::base::Trim;

/// Collects problems, so that all of them are told at once.
class Files {
 public:
  std::string Read(const std::string& path, std::string_view variable) {
    if (path.empty()) return {};
    std::ifstream file(path, std::ios::binary);
    std::string text(limits::kSecurityFileBytesMax + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (!file.eof() || text.size() > limits::kSecurityFileBytesMax) Add(variable, path, "cannot be read, or has more than 1 MiB");
    if (text.empty()) Add(variable, path, "is empty or cannot be read");
    return text;
  }
  std::vector<std::string> Lines(const std::string& path, std::string_view variable) {
    std::vector<std::string> lines;
    const std::string text = Read(path, variable);
    for (const std::string_view line : Split(text, '\n')) {
      if (const auto trimmed = Trim(line); !trimmed.empty() && trimmed.front() != '#') lines.emplace_back(trimmed);
    }
    return lines;
  }
  void Add(std::string_view variable, std::string_view path, std::string_view what) {
    if (!problems.empty()) problems += '\n';
    problems.append(variable).append(": ").append(path).append(" ").append(what);
  }
  std::string problems;
};

bool EqualsSecretly(std::string_view left, std::string_view right) {
  return left.size() == right.size() && ::CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace

bool Credentials::operator==(const Credentials& other) const {
  const auto server = [](const Credentials& of) {
    return of.server_tls ? std::tuple(of.server_tls->certificate_chain, of.server_tls->private_key, of.server_tls->client_ca)
                         : std::tuple<std::string, std::string, std::string>();
  };
  const auto client = [](const Credentials& of) {
    return std::tie(of.client_tls.ca, of.client_tls.certificate_chain, of.client_tls.private_key);
  };
  return tokens == other.tokens && names == other.names && server(*this) == server(other) && client(*this) == client(other);
}

bool IsCallerKnown(const Credentials& credentials, const net::Request& request) {
  if (!credentials.authenticates_callers) return true;
  if (request.client_names) {
    for (const std::string& name : *request.client_names) {
      if (std::ranges::find(credentials.names, name) != credentials.names.end()) return true;
    }
  }
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view shown = request.headers.Get("Authorization").value_or("");
  if (request.headers.Count("Authorization") != 1 || !azmon::base::EqualsIgnoreCase(shown.substr(0, kScheme.size()), kScheme)) return false;
  const std::string_view token = Trim(shown.substr(kScheme.size()));
  bool is_known = false;
  for (const std::string& accepted : credentials.tokens) is_known |= EqualsSecretly(token, accepted);
  return is_known;
}

Result<Credentials> ReadCredentials(const SecuritySettings& settings) {
  Files files;
  Credentials credentials;
  credentials.authenticates_callers = settings.AuthenticatesCallers();
  credentials.tokens = settings.tokens;
  if (!settings.tokens_file.empty()) {
    credentials.tokens = files.Lines(settings.tokens_file, "SERVICE_TOKENS_FILE");
    const bool is_good = !credentials.tokens.empty() && credentials.tokens.size() <= limits::kTokensMax && std::ranges::all_of(credentials.tokens, IsToken);
    if (!is_good) files.Add("SERVICE_TOKENS_FILE", settings.tokens_file, "must hold one or two tokens of 16 to 512 visible characters, a line each");
  }
  credentials.names = settings.client_names;
  if (!settings.client_names_file.empty()) {
    auto names = files.Lines(settings.client_names_file, "TLS_CLIENT_NAMES_FILE");
    if (names.size() > limits::kClientNamesMax) files.Add("TLS_CLIENT_NAMES_FILE", settings.client_names_file, "has more than 1000 names");
    std::ranges::move(names, std::back_inserter(credentials.names));
  }
  if (!settings.certificate_file.empty()) {
    credentials.server_tls = net::ServerTls{.certificate_chain = files.Read(settings.certificate_file, "TLS_CERT_FILE"),
                                            .private_key = files.Read(settings.key_file, "TLS_KEY_FILE"),
                                            .also_plain = false,
                                            .client_ca = files.Read(settings.client_ca_file, "TLS_CLIENT_CA_FILE")};
    credentials.client_tls.certificate_chain = credentials.server_tls->certificate_chain;
    credentials.client_tls.private_key = credentials.server_tls->private_key;
  }
  credentials.client_tls.ca = files.Read(settings.ca_file, "TLS_CA_FILE");
  if (!files.problems.empty()) return Error{ErrorCode::kBadSetting, files.problems};
  return credentials;
}

Result<std::unique_ptr<Security>> Security::Load(const SecuritySettings& settings) {
  auto credentials = ReadCredentials(settings);
  if (!credentials.ok()) return credentials.error();
  return std::unique_ptr<Security>(new Security(settings, std::move(credentials).value()));
}

Security::~Security() {
  // Before the members that the watcher uses.
  watcher_ = {};
}

std::shared_ptr<const Credentials> Security::Now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

void Security::Watch() {
  const std::string* const paths[] = {&settings_.tokens_file,    &settings_.certificate_file,  &settings_.key_file, &settings_.ca_file,
                                      &settings_.client_ca_file, &settings_.client_names_file};
  if (std::ranges::all_of(paths, [](const std::string* path) { return path->empty(); })) return;
  watcher_ = std::jthread([this](const std::stop_token& stop) { Look(stop); });
}

void Security::Look(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, stop, limits::kSecurityFilePoll, [&] { return stop.stop_requested(); })) {
    lock.unlock();
    Reload();
    lock.lock();
  }
}

void Security::Reload() {
  // The files are small; reading them tells more surely than their times whether they have changed.
  auto read = ReadCredentials(settings_);
  if (!read.ok()) {
    if (read.error().detail != last_problem_) Log(LogLevel::kError, "credentials on disk cannot be used; the old ones stay", {{"problem", read.error().detail}});
    last_problem_ = read.error().detail;
    return;
  }
  last_problem_.clear();
  if (*read == *Now()) return;
  const auto fresh = std::make_shared<const Credentials>(std::move(read).value());
  {
    const std::lock_guard lock(mutex_);
    now_ = fresh;
  }
  Log(LogLevel::kInfo, "credentials on disk have changed and are in use");
  for (const auto& callback : callbacks_) callback(*fresh);
}

}  // namespace services
