// SPDX-License-Identifier: MIT
#include "net/acceptor.h"

#include <utility>

namespace net {

Result<Acceptor> OpenAcceptor(boost::asio::io_context& context, const std::string& host, std::uint16_t port) {
  boost::system::error_code error;
  boost::asio::ip::tcp::endpoint endpoint;
  const auto address = boost::asio::ip::make_address(host, error);
  if (!error) {
    endpoint = {address, port};
  } else {
    boost::asio::io_context resolving;
    boost::asio::ip::tcp::resolver resolver(resolving);
    const auto found = resolver.resolve(host, std::to_string(port), boost::asio::ip::resolver_base::passive, error);
    if (error || found.empty()) return Error{ErrorCode::kBadSetting, "the listening address " + host + " cannot be resolved"};
    endpoint = found.begin()->endpoint();
  }
  Acceptor acceptor(context);
  acceptor.open(endpoint.protocol(), error);
  // Only lets a restart take the port while old connections time out; a second listener is still refused.
  if (!error) acceptor.set_option(Acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) {
    return Error{ErrorCode::kUnavailable, "cannot listen on " + host + ":" + std::to_string(port) + ": " + error.message(), error.value()};
  }
  return acceptor;
}

}  // namespace net
