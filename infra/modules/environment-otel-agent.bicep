// SPDX-License-Identifier: MIT
// environment.bicep with the OpenTelemetry agent that Container Apps runs (preview): it takes OTLP over gRPC and passes traces and logs, but no
// metrics, on to Application Insights, and all three to a further endpoint. It needs local authentication at Application Insights.
param name string
param location string
param tags object
param workspaceId string
@secure()
param insightsConnectionString string

@description('A further destination of the agent, OTLP over gRPC. Empty: none.')
param otlpEndpoint string

var further = empty(otlpEndpoint) ? [] : [ 'otlp' ]

resource appsEnvironment 'Microsoft.App/managedEnvironments@2025-10-02-preview' = {
  name: name
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: { destination: 'azure-monitor' }
    appInsightsConfiguration: { connectionString: insightsConnectionString }
    peerTrafficConfiguration: { encryption: { enabled: true } }
    workloadProfiles: [ { name: 'Consumption', workloadProfileType: 'Consumption' } ]
    openTelemetryConfiguration: {
      destinationsConfiguration: {
        otlpConfigurations: empty(otlpEndpoint) ? [] : [
          {
            name: 'otlp'
            endpoint: otlpEndpoint
            insecure: startsWith(otlpEndpoint, 'http://')
          }
        ]
      }
      tracesConfiguration: { destinations: concat([ 'appInsights' ], further) }
      logsConfiguration: { destinations: concat([ 'appInsights' ], further) }
      metricsConfiguration: { destinations: further }
    }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: appsEnvironment
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'ContainerAppConsoleLogs', enabled: true }
      { category: 'ContainerAppSystemLogs', enabled: true }
    ]
    metrics: [ { category: 'AllMetrics', enabled: true } ]
  }
}

output id string = appsEnvironment.id
