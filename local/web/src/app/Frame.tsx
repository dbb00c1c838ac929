// SPDX-License-Identifier: MIT
// What stands around every page: the rail, the top bar, and the bar that says that the server is gone.
import { Suspense, type ReactNode } from "react";
import { Button, Tooltip } from "@fluentui/react-components";
import { DataLineRegular, GanttChartRegular, PlugDisconnectedRegular, PulseRegular, SettingsRegular } from "@fluentui/react-icons";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { live } from "../api/live";
import { useDelayed, useLiveState, useMedia } from "./hooks";
import { TopBar } from "./TopBar";
import { lastListState } from "./listState";

interface PageEntry {
  to: "/" | "/live" | "/metrics" | "/settings";
  name: string;
  icon: ReactNode;
  isAt: (path: string) => boolean;
}

/** One entry a page, in the order of the rail; only pages that exist. */
const kPages: readonly PageEntry[] = [
  { to: "/", name: "Transactions", icon: <GanttChartRegular />, isAt: (path) => path === "/" || path.startsWith("/transactions") },
  { to: "/live", name: "Live", icon: <PulseRegular />, isAt: (path) => path.startsWith("/live") },
  { to: "/metrics", name: "Metrics", icon: <DataLineRegular />, isAt: (path) => path.startsWith("/metrics") },
  { to: "/settings", name: "Settings", icon: <SettingsRegular />, isAt: (path) => path.startsWith("/settings") },
];

/** Going to the metrics keeps the time range. */
function timeOfList() {
  const { range, since, until } = lastListState();
  return { range, since, until };
}

function Rail() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const named = useMedia("(min-width: 1280px), (max-width: 639px)");
  return (
    <nav className="rail" aria-label="Pages">
      {kPages.map((page) => {
        const link = (
          <Link
            key={page.to}
            to={page.to}
            search={page.to === "/" ? lastListState() : page.to === "/metrics" ? timeOfList() : undefined}
            className="rail-link"
            aria-current={page.isAt(path) ? "page" : undefined}
            aria-label={named ? undefined : page.name}
          >
            <span className="rail-icon" aria-hidden>
              {page.icon}
            </span>
            {named && <span>{page.name}</span>}
          </Link>
        );
        return named ? (
          link
        ) : (
          <Tooltip key={page.to} content={page.name} relationship="inaccessible" positioning="after">
            {link}
          </Tooltip>
        );
      })}
    </nav>
  );
}

function DisconnectedBar() {
  const lost = useDelayed(useLiveState() === "lost", 500);
  return (
    <div role="status">
      {lost && (
        <div className="disconnected">
          <PlugDisconnectedRegular aria-hidden />
          <span>No connection to azmon-local. What you see stays; the page reconnects by itself.</span>
          <Button size="small" appearance="outline" onClick={() => live.retry()}>
            Try now
          </Button>
        </div>
      )}
    </div>
  );
}

function PageSkeleton() {
  return useDelayed(true) ? <div className="page-skeleton" aria-hidden /> : null;
}

export function Frame() {
  return (
    <div className="frame">
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <header className="topbar">
        <TopBar />
      </header>
      <Rail />
      <div className="stage">
        <DisconnectedBar />
        <main id="main" tabIndex={-1}>
          <Suspense fallback={<PageSkeleton />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
    </div>
  );
}
