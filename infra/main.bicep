// SPDX-License-Identifier: MIT
// Everything that `azd up` makes: one resource group with three container apps and what they use. docs/deploy.md says what each part is for.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment; part of the name of the resource group.')
param environmentName string

@minLength(1)
@description('Region of every resource.')
param location string

@description('Set by azd: the container app is there already and keeps its image.')
param checkoutExists bool = false

@description('As checkoutExists.')
param orderProcessorExists bool = false

@description('As checkoutExists.')
param receiptExists bool = false

@secure()
@minLength(32)
@description('The token by which the services know their callers. Made by infra/hooks/service-token.sh.')
param serviceToken string

@secure()
@description('The token before serviceToken, still accepted while it is being replaced. Empty: none.')
param serviceTokenPrevious string = ''

@description('A second destination for all telemetry, an OTLP endpoint such as http://collector:4317. Empty: none.')
param otlpExportEndpoint string = ''

@description('Send by OTLP to the OpenTelemetry agent of the environment (preview) instead of straight to Application Insights.')
param managedOtelAgent bool = false

@description('false: Application Insights takes telemetry with an Entra token of the services\' identities only, none with the connection string alone.')
param insightsLocalAuthentication bool = true

@description('Share of the traces that is kept, 0 to 1. The same traces in every service, so those that are kept are whole.')
param samplingRatio string = '1'

@description('Orders that checkout places, a second.')
param orderRate string = '0.2'

@description('Redundancy of the storage account; Standard_ZRS where the region has zones.')
param storageSku string = 'Standard_LRS'

@description('Log Analytics takes no more than this a day.')
param dailyQuotaGb int = 1

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var checkoutName = 'checkout-${token}'
var orderProcessorName = 'order-processor-${token}'
var receiptName = 'receipt-${token}'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    localAuthentication: insightsLocalAuthentication
    dailyQuotaGb: dailyQuotaGb
    publisherPrincipalIds: [
      checkoutIdentity.outputs.principalId
      orderProcessorIdentity.outputs.principalId
      receiptIdentity.outputs.principalId
    ]
  }
}

module pullIdentity 'modules/identity.bicep' = {
  name: 'identity-pull'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'id-pull-${token}'
  }
}

module checkoutIdentity 'modules/identity.bicep' = {
  name: 'identity-checkout'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'id-checkout-${token}'
  }
}

module orderProcessorIdentity 'modules/identity.bicep' = {
  name: 'identity-order-processor'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'id-order-processor-${token}'
  }
}

module receiptIdentity 'modules/identity.bicep' = {
  name: 'identity-receipt'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'id-receipt-${token}'
  }
}

module registry 'modules/registry.bicep' = {
  name: 'registry'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    pullPrincipalId: pullIdentity.outputs.principalId
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    sku: storageSku
    writerPrincipalId: receiptIdentity.outputs.principalId
  }
}

module plainEnvironment 'modules/environment.bicep' = if (!managedOtelAgent) {
  name: 'environment'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'cae-${token}'
    workspaceId: monitoring.outputs.workspaceId
  }
}

module agentEnvironment 'modules/environment-otel-agent.bicep' = if (managedOtelAgent) {
  name: 'environment-otel-agent'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'cae-${token}'
    workspaceId: monitoring.outputs.workspaceId
    insightsConnectionString: monitoring.outputs.insightsConnectionString
    otlpEndpoint: otlpExportEndpoint
  }
}

// With the agent the apps get neither: the agent knows both destinations, and azmon uses the endpoint that the agent injects.
var insightsConnectionString = managedOtelAgent ? '' : (monitoring.outputs.insightsConnectionString)
var otlpEndpoint = managedOtelAgent ? '' : otlpExportEndpoint
var environmentId = managedOtelAgent ? (agentEnvironment!.outputs.id) : (plainEnvironment!.outputs.id)

module receiptImage 'modules/fetch-image.bicep' = {
  name: 'image-receipt'
  scope: group
  params: {
    exists: receiptExists
    name: receiptName
  }
}

module receipt 'modules/service.bicep' = {
  name: 'receipt'
  scope: group
  params: {
    name: receiptName
    serviceName: 'receipt'
    location: location
    tags: tags
    environmentId: environmentId
    registryServer: registry.outputs.loginServer
    pullIdentityId: pullIdentity.outputs.id
    identityId: receiptIdentity.outputs.id
    identityClientId: receiptIdentity.outputs.clientId
    image: receiptImage.outputs.image
    port: 8002
    healthPort: 9002
    serviceToken: serviceToken
    serviceTokenPrevious: serviceTokenPrevious
    insightsConnectionString: insightsConnectionString
    insightsLocalAuthentication: insightsLocalAuthentication
    otlpEndpoint: otlpEndpoint
    samplingRatio: samplingRatio
    settings: [
      { name: 'AZURE_STORAGE_BLOB_ENDPOINT', value: storage.outputs.blobEndpoint }
      { name: 'STORAGE_ACCOUNT_CONTAINER_NAME', value: storage.outputs.containerName }
    ]
  }
}

module orderProcessorImage 'modules/fetch-image.bicep' = {
  name: 'image-order-processor'
  scope: group
  params: {
    exists: orderProcessorExists
    name: orderProcessorName
  }
}

module orderProcessor 'modules/service.bicep' = {
  name: 'order-processor'
  scope: group
  params: {
    name: orderProcessorName
    serviceName: 'order-processor'
    location: location
    tags: tags
    environmentId: environmentId
    registryServer: registry.outputs.loginServer
    pullIdentityId: pullIdentity.outputs.id
    identityId: orderProcessorIdentity.outputs.id
    identityClientId: orderProcessorIdentity.outputs.clientId
    image: orderProcessorImage.outputs.image
    port: 8001
    healthPort: 9001
    serviceToken: serviceToken
    serviceTokenPrevious: serviceTokenPrevious
    insightsConnectionString: insightsConnectionString
    insightsLocalAuthentication: insightsLocalAuthentication
    otlpEndpoint: otlpEndpoint
    samplingRatio: samplingRatio
    settings: [
      { name: 'SERVICE_RECEIPT_API_NAME', value: receipt.outputs.name }
    ]
  }
}

module checkoutImage 'modules/fetch-image.bicep' = {
  name: 'image-checkout'
  scope: group
  params: {
    exists: checkoutExists
    name: checkoutName
  }
}

module checkout 'modules/service.bicep' = {
  name: 'checkout'
  scope: group
  params: {
    name: checkoutName
    serviceName: 'checkout'
    location: location
    tags: tags
    environmentId: environmentId
    registryServer: registry.outputs.loginServer
    pullIdentityId: pullIdentity.outputs.id
    identityId: checkoutIdentity.outputs.id
    identityClientId: checkoutIdentity.outputs.clientId
    image: checkoutImage.outputs.image
    // Nobody calls it: no ingress, and one replica, for without ingress nothing would wake it from zero.
    port: 0
    healthPort: 9000
    maxReplicas: 1
    serviceToken: serviceToken
    serviceTokenPrevious: serviceTokenPrevious
    insightsConnectionString: insightsConnectionString
    insightsLocalAuthentication: insightsLocalAuthentication
    otlpEndpoint: otlpEndpoint
    samplingRatio: samplingRatio
    settings: [
      { name: 'SERVICE_ORDER_PROCESSOR_API_NAME', value: orderProcessor.outputs.name }
      { name: 'ORDER_RATE', value: orderRate }
    ]
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.loginServer
output AZURE_CONTAINER_REGISTRY_NAME string = registry.outputs.name
output AZURE_CONTAINER_APPS_ENVIRONMENT_ID string = environmentId
output AZURE_LOG_ANALYTICS_WORKSPACE_NAME string = monitoring.outputs.workspaceName
output APPLICATIONINSIGHTS_NAME string = monitoring.outputs.insightsName
output AZURE_STORAGE_BLOB_ENDPOINT string = storage.outputs.blobEndpoint
output STORAGE_ACCOUNT_CONTAINER_NAME string = storage.outputs.containerName
output SERVICE_CHECKOUT_NAME string = checkout.outputs.name
output SERVICE_ORDER_PROCESSOR_NAME string = orderProcessor.outputs.name
output SERVICE_RECEIPT_NAME string = receipt.outputs.name
