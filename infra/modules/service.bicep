// SPDX-License-Identifier: MIT
// One of the services as a container app.
@maxLength(32)
param name string
@description('The key of the service in azure.yaml.')
param serviceName string
param location string
param tags object
param environmentId string
param registryServer string
param pullIdentityId string
param identityId string
param identityClientId string

@description('Empty: nothing has been deployed yet, a placeholder runs.')
param image string

@description('Where it serves other apps; 0: it serves nobody and gets no ingress.')
param port int
@description('Where it answers probes.')
param healthPort int
param minReplicas int = 1
param maxReplicas int = 3

@secure()
param serviceToken string
@secure()
param serviceTokenPrevious string
@secure()
@description('Empty: telemetry goes to the OpenTelemetry agent of the environment.')
param insightsConnectionString string
param insightsLocalAuthentication bool
param otlpEndpoint string
param samplingRatio string

@description('What this service alone is set to.')
param settings array

var placeholder = 'mcr.microsoft.com/azuredocs/containerapps-helloworld:latest'
var hasIngress = port != 0
var journal = '/journal'

var secrets = concat(
  [ { name: 'service-token', value: serviceToken } ],
  empty(serviceTokenPrevious) ? [] : [ { name: 'service-token-previous', value: serviceTokenPrevious } ],
  empty(insightsConnectionString) ? [] : [ { name: 'insights-connection-string', value: insightsConnectionString } ])

var listening = concat(
  [
    { name: 'HOST', value: '0.0.0.0' }
    { name: 'HEALTH_PORT', value: string(healthPort) }
  ],
  hasIngress ? [ { name: 'PORT', value: string(port) } ] : [])

var authentication = concat(
  [
    { name: 'AZURE_CLIENT_ID', value: identityClientId }
    { name: 'SERVICE_TOKEN', secretRef: 'service-token' }
  ],
  empty(serviceTokenPrevious) ? [] : [ { name: 'SERVICE_TOKEN_PREVIOUS', secretRef: 'service-token-previous' } ])

var telemetry = concat(
  [
    { name: 'OTEL_SERVICE_NAME', value: serviceName }
    { name: 'AZMON_STORAGE_DIRECTORY', value: journal }
    { name: 'OTEL_TRACES_SAMPLER', value: 'microsoft.fixed_percentage' }
    { name: 'OTEL_TRACES_SAMPLER_ARG', value: samplingRatio }
  ],
  empty(insightsConnectionString) ? [] : [ { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', secretRef: 'insights-connection-string' } ],
  insightsLocalAuthentication ? [] : [ { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'Authorization=AAD;ClientId=${identityClientId}' } ],
  empty(otlpEndpoint) ? [] : [ { name: 'OTLP_EXPORT_ENDPOINT', value: otlpEndpoint } ])

var probes = [
  {
    type: 'Startup'
    httpGet: { path: '/startupz', port: healthPort }
    periodSeconds: 1
    failureThreshold: 10
    timeoutSeconds: 1
  }
  {
    type: 'Liveness'
    httpGet: { path: '/livez', port: healthPort }
    periodSeconds: 10
    failureThreshold: 3
    timeoutSeconds: 2
  }
  {
    type: 'Readiness'
    httpGet: { path: '/readyz', port: healthPort }
    periodSeconds: 5
    failureThreshold: 3
    timeoutSeconds: 2
  }
]

resource app 'Microsoft.App/containerApps@2026-01-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': serviceName })
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
      '${pullIdentityId}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      maxInactiveRevisions: 5
      ingress: hasIngress ? {
        external: false
        targetPort: port
        transport: 'http'
        // By name and plain HTTP inside the environment, which encrypts it between the apps; a redirect to https would break a POST.
        allowInsecure: true
        traffic: [ { latestRevision: true, weight: 100 } ]
      } : null
      registries: [ { server: registryServer, identity: pullIdentityId } ]
      identitySettings: [
        { identity: pullIdentityId, lifecycle: 'None' }
        { identity: identityId, lifecycle: 'Main' }
      ]
      secrets: secrets
    }
    template: {
      // Draining takes up to 10 s, handing over the telemetry up to 5.
      terminationGracePeriodSeconds: 30
      containers: [
        {
          name: serviceName
          image: empty(image) ? placeholder : image
          resources: { cpu: json('0.25'), memory: '0.5Gi' }
          // The placeholder answers none of them.
          probes: empty(image) ? [] : probes
          env: concat(listening, authentication, telemetry, settings)
          volumeMounts: [ { volumeName: 'journal', mountPath: journal } ]
        }
      ]
      // Telemetry that waits outlives a crash of the container, not its replica.
      volumes: [ { name: 'journal', storageType: 'EmptyDir' } ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: hasIngress ? [ { name: 'http', http: { metadata: { concurrentRequests: '50' } } } ] : []
      }
    }
  }
}

output name string = app.name
