# SPDX-License-Identifier: MIT
# Makes SERVICE_TOKEN, 256 random bits, unless the azd environment has one. To rotate: docs/deploy.md
$ErrorActionPreference = 'Stop'

if ($env:SERVICE_TOKEN) { exit 0 }
$bytes = [byte[]]::new(32)
$generator = [System.Security.Cryptography.RandomNumberGenerator]::Create()
$generator.GetBytes($bytes)
$token = [System.BitConverter]::ToString($bytes).Replace('-', '').ToLowerInvariant()
azd env set SERVICE_TOKEN $token
exit $LASTEXITCODE
