// SPDX-License-Identifier: MIT
// Requests for access tokens and what their answers mean: pure functions, without a network.
//
// Source: Microsoft identity platform, client credentials flow; App Service and Virtual Machines, managed identities REST reference.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "azmon/credential.h"
#include "base/clock.h"
#include "base/result.h"
#include "transport/transport.h"

namespace azmon::identity {

/// Where tokens are asked for over clear text: only this machine and its link, by literal address or `localhost`. The platforms' endpoints
/// are such; a name that is resolved could lead anywhere.
bool IsLocalEndpoint(std::string_view host);

/// GET of Container Apps and App Service, API version 2019-08-01.
/// @param endpoint  IDENTITY_ENDPOINT
/// @param header    IDENTITY_HEADER, a secret
/// @return kBadSetting: the endpoint is no local http URL and no https one
Result<transport::HttpRequest> AppServiceRequest(std::string_view endpoint, std::string_view header, std::string_view client_id, std::string_view scope);

/// GET of the metadata service of virtual machines.
/// @param authority  empty: http://169.254.169.254
Result<transport::HttpRequest> MetadataRequest(std::string_view authority, std::string_view client_id, std::string_view scope);

struct ClientCredentials {
  std::string authority;  ///< AZURE_AUTHORITY_HOST; empty: https://login.microsoftonline.com
  std::string tenant_id;
  std::string client_id;
  std::string secret;     ///< either this
  std::string assertion;  ///< or a federated token
};
/// POST to Entra.
/// @return kBadSetting: an authority that is not https, a tenant that is no name or GUID, or something is missing
Result<transport::HttpRequest> EntraRequest(const ClientCredentials& credentials, std::string_view scope);

/// What an answer of either kind means. Failures that time may cure: no connection, 404, 408, 410, 429 and 5xx, as the services' own
/// clients have it; 404 and 410 are permanent for Entra.
/// @param who  begins the error text: "managed identity"
TokenAnswer ReadTokenAnswer(const transport::HttpResponse& response, std::string_view who, base::WallTime now);

}  // namespace azmon::identity
