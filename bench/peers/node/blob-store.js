// SPDX-License-Identifier: MIT
'use strict';
const { BlobServiceClient } = require('@azure/storage-blob');

function containerClient() {
  return BlobServiceClient.fromConnectionString(process.env.AZURE_STORAGE_CONNECTION_STRING).getContainerClient(
    process.env.STORAGE_ACCOUNT_CONTAINER_NAME,
  );
}
module.exports = { containerClient };
