// SPDX-License-Identifier: MIT
#include "services/checkout/status_page.h"

namespace checkout {
namespace {

constexpr std::string_view kStyle = R"(:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: start; font-weight: 600; padding-block: .5rem; }
th, td { text-align: start; padding: .25rem .75rem .25rem 0; border-block-end: 1px solid; overflow-wrap: anywhere; }
td.number { text-align: end; font-variant-numeric: tabular-nums; }
)";

void Harden(net::Response& response) {
  response.headers.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  response.headers.Set("X-Content-Type-Options", "nosniff");
  response.headers.Set("Referrer-Policy", "no-referrer");
  response.headers.Set("Cache-Control", "no-store");
}

void AppendRow(const Placed& order, std::string& out) {
  const bool is_ok = order.failure.empty();
  out.append("<tr><th scope=\"row\">").append(EscapeHtml(order.id)).append("</th><td>");
  out.append(is_ok ? "ok" : "failed: " + EscapeHtml(order.failure)).append("</td><td class=\"number\">");
  out.append(std::to_string(order.took.count())).append(" ms</td><td>").append(EscapeHtml(order.trace_id)).append("</td></tr>\n");
}

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string StatusPage(const RecentOrders::Snapshot& snapshot) {
  std::string out = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>checkout</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>checkout</h1>
<dl>
<dt>Orders placed</dt><dd>)";
  out.append(std::to_string(snapshot.ok)).append("</dd>\n<dt>Orders failed</dt><dd>").append(std::to_string(snapshot.failed));
  out.append("</dd>\n</dl>\n<p><a href=\"/\">Refresh</a></p>\n");
  if (snapshot.orders.empty()) {
    out += "<p>No order has ended yet.</p>\n";
  } else {
    out += "<table>\n<caption>The last orders, the newest first</caption>\n<thead><tr><th scope=\"col\">Order</th><th scope=\"col\">Outcome</th>"
           "<th scope=\"col\">Time</th><th scope=\"col\">Trace</th></tr></thead>\n<tbody>\n";
    for (const Placed& order : snapshot.orders) AppendRow(order, out);
    out += "</tbody>\n</table>\n";
  }
  out += "</main>\n</body>\n</html>\n";
  return out;
}

net::Response StatusPageResponse(const RecentOrders::Snapshot& snapshot) {
  net::Response response;
  response.headers.Set("Content-Type", "text/html; charset=utf-8");
  response.body = StatusPage(snapshot);
  Harden(response);
  return response;
}

net::Response StyleResponse() {
  net::Response response;
  response.headers.Set("Content-Type", "text/css; charset=utf-8");
  response.body = net::Body::Shared(nullptr, kStyle);
  Harden(response);
  return response;
}

}  // namespace checkout
