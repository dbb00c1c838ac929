// SPDX-License-Identifier: MIT
// Spans and durations for net/'s server and client, as hooks; net/ itself knows nothing of tracing.
#pragma once

#include "net/hooks.h"

namespace azmon::http {

/// Each chain of coroutines gets a context stack of its own; for RuntimeOptions::bind_executor. Needs azmon::asio::InstallContext() in main.
net::BindExecutor ContextBinding();

/// A SERVER span a request (ServerSpan), current while its handler runs. Takes the global providers as they are now: call it after they are set.
net::ServerHooks MakeServerHooks();

/// A CLIENT span a try (ClientSpan), child of what is current where Client::Send is awaited.
net::ClientHooks MakeClientHooks();

}  // namespace azmon::http
