// SPDX-License-Identifier: MIT
#include "local/api/assets.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/text.h"

namespace azmon::local {
namespace {

namespace fs = std::filesystem;

/// Nothing but our own scripts, and no request to anybody else; style attributes come from the component library.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Files of a development directory are at most this large.
constexpr std::uintmax_t kFileBytesMax = 64u << 20;

std::string_view TypeOf(std::string_view path) {
  struct Type {
    std::string_view ending, type;
  };
  for (const Type& at : {Type{".html", "text/html; charset=utf-8"}, Type{".js", "text/javascript; charset=utf-8"},
                         Type{".css", "text/css; charset=utf-8"}, Type{".svg", "image/svg+xml"}, Type{".json", "application/json"},
                         Type{".txt", "text/plain; charset=utf-8"}, Type{".png", "image/png"}, Type{".woff2", "font/woff2"}}) {
    if (path.ends_with(at.ending)) return at.type;
  }
  return "application/octet-stream";
}

void SetCommon(std::string_view type, bool is_immutable, net::Response& response) {
  response.headers.Set("Content-Type", type);
  response.headers.Set("Cache-Control", is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
  response.headers.Set("Content-Security-Policy", kPolicy);
  response.headers.Set("X-Content-Type-Options", "nosniff");
  response.headers.Set("Referrer-Policy", "no-referrer");
}

const Asset* FindEmbedded(std::string_view path) {
  const auto assets = EmbeddedAssets();
  const auto at = std::lower_bound(assets.begin(), assets.end(), path, [](const Asset& asset, std::string_view wanted) { return asset.path < wanted; });
  return at != assets.end() && at->path == path ? &*at : nullptr;
}

bool IsPlaceInPage(std::string_view path) {
  if (path.starts_with("transactions/")) return true;  // an operation's id may have dots
  const auto slash = path.rfind('/');
  return path.substr(slash == std::string_view::npos ? 0 : slash).find('.') == std::string_view::npos;
}

net::Response FromProgram(std::string_view path, const net::Headers& request) {
  const Asset* asset = FindEmbedded(path);
  if (asset == nullptr && IsPlaceInPage(path)) asset = FindEmbedded("index.html");
  if (asset == nullptr) return net::Response::Problem(404, "the page has no such file");
  const bool use_gzip = !asset->gzip.empty() && request.HasToken("Accept-Encoding", "gzip");
  std::string etag(asset->etag);
  if (use_gzip) etag.insert(etag.size() - 1, "-gz");
  net::Response response;
  SetCommon(asset->type, asset->is_immutable, response);
  response.headers.Set("ETag", etag);
  response.headers.Set("Vary", "Accept-Encoding");
  if (request.HasToken("If-None-Match", etag)) {
    response.status = 304;
    return response;
  }
  if (use_gzip) response.headers.Set("Content-Encoding", "gzip");
  response.body = net::Body::Shared(nullptr, use_gzip ? asset->gzip : asset->bytes);
  return response;
}

net::Response FromDirectory(std::string_view path, const std::string& directory) {
  std::error_code failure;
  const fs::path root = fs::canonical(directory, failure);
  if (failure) return net::Response::Problem(500, "--ui-dir is not there any more");
  // Resolved, so that neither ".." nor a link leads out of the directory.
  fs::path file = fs::canonical(root / fs::path(path), failure);
  if ((failure || !fs::is_regular_file(file, failure)) && IsPlaceInPage(path)) file = root / "index.html";
  const auto [end, ignored] = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
  if (end != root.end() || !fs::is_regular_file(file, failure) || fs::file_size(file, failure) > kFileBytesMax) {
    return net::Response::Problem(404, "--ui-dir has no such file");
  }
  std::ifstream stream(file, std::ios::binary);
  net::Response response;
  SetCommon(TypeOf(file.native()), false, response);
  response.body = std::string(std::istreambuf_iterator<char>(stream), {});
  return response;
}

}  // namespace

net::Response ServeAsset(std::string_view path, const net::Headers& request, const std::string& directory) {
  while (path.starts_with('/')) path.remove_prefix(1);
  const auto decoded = base::PercentDecode(path);
  if (!decoded || decoded->find('\0') != std::string::npos) return net::Response::Problem(400, "the path is not well-formed");
  const std::string_view wanted = decoded->empty() ? std::string_view("index.html") : std::string_view(*decoded);
  return directory.empty() ? FromProgram(wanted, request) : FromDirectory(wanted, directory);
}

}  // namespace azmon::local
