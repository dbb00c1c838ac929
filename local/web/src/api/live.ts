// SPDX-License-Identifier: MIT
// One connection for server-sent events per tab, shared by all pages.
//
// It is closed while the tab is hidden: a browser opens at most six HTTP/1.1 connections to a host, so a few forgotten
// tabs would otherwise block every further one. Coming back counts as a change, because some may have been missed.

export type LiveState = "connecting" | "open" | "lost";
type Listener = (event: "change" | "reset" | "state") => void;

const kReconnectMs = 1000;

class Live {
  private source: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly listeners = new Set<Listener>();
  private current: LiveState = "connecting";

  readonly getState = (): LiveState => this.current;

  start(): void {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    window.addEventListener("pagehide", () => this.close());
    window.addEventListener("pageshow", () => this.open());
    if (!document.hidden) this.open();
  }

  /** Tries again at once, for the button of the "disconnected" bar. */
  retry(): void {
    this.close();
    this.open();
  }

  readonly subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private open(): void {
    if (this.source !== null) return;
    clearTimeout(this.timer);
    const source = new EventSource("/api/v1/live");
    this.source = source;
    source.addEventListener("open", () => {
      this.setState("open");
      this.emit("change");
    });
    source.addEventListener("change", () => this.emit("change"));
    source.addEventListener("reset", () => this.emit("reset"));
    source.addEventListener("error", () => {
      // The browser gives up for good on some errors (a wrong content type, a 5xx), so reconnecting is done here.
      this.close();
      this.setState("lost");
      this.timer = setTimeout(() => this.open(), kReconnectMs);
    });
  }

  private close(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  private setState(state: LiveState): void {
    if (state === this.current) return;
    this.current = state;
    this.emit("state");
  }

  private emit(event: "change" | "reset" | "state"): void {
    for (const listener of [...this.listeners]) listener(event);
  }
}

export const live = new Live();
