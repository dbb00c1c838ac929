// SPDX-License-Identifier: MIT
// Log Analytics, and Application Insights on top of it.
param location string
param tags object
@minLength(13)
@maxLength(13)
param token string

@description('false: telemetry is taken with an Entra token only.')
param localAuthentication bool

param dailyQuotaGb int

@description('Who may send telemetry with an Entra token.')
param publisherPrincipalIds array

// Monitoring Metrics Publisher
var publisherRole = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    workspaceCapping: { dailyQuotaGb: dailyQuotaGb }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: !localAuthentication
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principalId in publisherPrincipalIds: {
  name: guid(insights.id, principalId, publisherRole)
  scope: insights
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', publisherRole)
  }
}]

output workspaceId string = workspace.id
output workspaceName string = workspace.name
output insightsName string = insights.name
// Names the resource and opens nothing but its ingestion; with Entra alone not even that.
#disable-next-line outputs-should-not-contain-secrets
output insightsConnectionString string = insights.properties.ConnectionString
