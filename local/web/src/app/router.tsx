// SPDX-License-Identifier: MIT
// Addresses. Each page is one route here and, if it stands in the rail, one entry of kPages in Frame.tsx.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { parseListState, parseLiveState, parseMetricsState, parseSearch, parseTraceState, stringifySearch } from "../logic/url";
import { Failure, NotFound } from "./Failure";
import { Frame } from "./Frame";

const rootRoute = createRootRoute({ component: Frame, notFoundComponent: NotFound });

export const listRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  validateSearch: parseListState,
  component: lazyRouteComponent(() => import("../pages/transactions/TransactionsPage"), "TransactionsPage"),
});

const listAliasRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/transactions",
  validateSearch: parseListState,
  beforeLoad: ({ search }) => {
    throw redirect({ to: "/", search, replace: true });
  },
});

export const traceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/transactions/$operationId",
  validateSearch: parseTraceState,
  component: lazyRouteComponent(() => import("../pages/transaction/TransactionPage"), "TransactionPage"),
});

export const metricsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/metrics",
  validateSearch: parseMetricsState,
  component: lazyRouteComponent(() => import("../pages/metrics/MetricsPage"), "MetricsPage"),
});

export const livePageRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/live",
  validateSearch: parseLiveState,
  component: lazyRouteComponent(() => import("../pages/live/LivePage"), "LivePage"),
});

export const settingsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/settings",
  component: lazyRouteComponent(() => import("../pages/settings/SettingsPage"), "SettingsPage"),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([listRoute, listAliasRoute, traceRoute, livePageRoute, metricsRoute, settingsRoute]),
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultErrorComponent: ({ error, reset }) => <Failure what="This page failed." error={error} onRetry={reset} />,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
