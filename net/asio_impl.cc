// SPDX-License-Identifier: MIT
// Asio's own code, compiled once (BOOST_ASIO_SEPARATE_COMPILATION): every other file gets declarations only.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
