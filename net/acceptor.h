// SPDX-License-Identifier: MIT
// A listening socket. Inner header of net/ and of servers that do not speak HTTP/1.1.
#pragma once

#include <cstdint>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "net/http.h"

namespace net {

using Acceptor = boost::asio::ip::tcp::acceptor::rebind_executor<boost::asio::io_context::executor_type>::other;

/// Binds and listens. A port that another socket holds is an error, never shared. Blocks while a host name is resolved.
/// @param host  an address, or a name that resolves to one
/// @param port  0: a free one
/// @return kBadSetting a host that cannot be resolved; kUnavailable the address cannot be bound
Result<Acceptor> OpenAcceptor(boost::asio::io_context& context, const std::string& host, std::uint16_t port);

}  // namespace net
