// SPDX-License-Identifier: MIT
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2023",
    // Nothing is put into the page as data: or inline script, so that `script-src 'self'` is enough.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1200,
    // The names of the chunks' npm packages, for scripts/finish.mjs.
    sourcemap: "hidden",
  },
  server: { proxy: { "/api": "http://127.0.0.1:4380" } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
