// SPDX-License-Identifier: MIT
// The files of the page: built into the program, or read from a directory while somebody works on them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/http.h"

namespace azmon::local {

/// One built-in file. The views live as long as the program.
struct Asset {
  std::string_view path;  ///< "index.html", "assets/index-1a2b.js"
  std::string_view type;  ///< Content-Type
  std::string_view etag;  ///< with its quotes
  bool is_immutable = false;  ///< the name changes with the content
  std::string_view bytes;
  std::string_view gzip;  ///< empty: no compressed form
};

/// Sorted by path. Written by embed.py; a plain page that says how to build the real one when that was not possible.
std::span<const Asset> EmbeddedAssets();
/// False for the plain page.
bool HasEmbeddedPage();

/// Answers GET for a path of the page. Paths that are no file and look like a place in the page (no dot in the last segment) get index.html.
/// @param path       "/", "/transactions/0af7…": not decoded
/// @param directory  empty: the built-in files
net::Response ServeAsset(std::string_view path, const net::Headers& request, const std::string& directory);

}  // namespace azmon::local
