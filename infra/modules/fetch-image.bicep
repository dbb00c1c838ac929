// SPDX-License-Identifier: MIT
// The image that an app runs now, so that provisioning again does not put the placeholder back. Empty: there is no app yet.
param exists bool
param name string

resource app 'Microsoft.App/containerApps@2026-01-01' existing = if (exists) {
  name: name
}

output image string = exists ? app!.properties.template.containers[0].image : ''
