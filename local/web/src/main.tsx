// SPDX-License-Identifier: MIT
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { live } from "./api/live";
import { ThemeProvider } from "./app/theme";
import { router } from "./app/router";
import "./styles/base.css";
import "./styles/frame.css";

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // The server is this machine: being offline says nothing about it, and the live channel says what is stale.
      networkMode: "always",
      retry: false,
      staleTime: 2000,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
    },
    mutations: { networkMode: "always" },
  },
});

live.subscribe((event) => {
  if (event === "reset") void queryClient.resetQueries();
});
live.start();

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <ThemeProvider>
        <RouterProvider router={router} />
      </ThemeProvider>
    </QueryClientProvider>
  </StrictMode>,
);
