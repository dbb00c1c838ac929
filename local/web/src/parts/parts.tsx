// SPDX-License-Identifier: MIT
// Small pieces that several pages draw the same way.
import type { CSSProperties } from "react";
import { CheckmarkCircleRegular, ErrorCircleFilled } from "@fluentui/react-icons";
import { roleColour } from "../logic/colour";
import { formatTime, formatUtc } from "../logic/format";

/** Both colours as CSS variables; the theme picks one in base.css, so a switch of themes draws nothing anew. */
export function roleStyle(role: string): CSSProperties {
  const { light, dark } = roleColour(role);
  return { "--role-light": light, "--role-dark": dark } as CSSProperties;
}

export function RoleChip({ role }: { role: string }) {
  return (
    <span className="role-chip" style={roleStyle(role)}>
      {role === "" ? "(no role)" : role}
    </span>
  );
}

export function Result({ success, word = true }: { success: boolean; word?: boolean }) {
  return success ? (
    <span className="result ok">
      <CheckmarkCircleRegular aria-hidden={word} aria-label={word ? undefined : "OK"} />
      {word && "OK"}
    </span>
  ) : (
    <span className="result failed">
      <ErrorCircleFilled aria-hidden={word} aria-label={word ? undefined : "Failed"} />
      {word && "Failed"}
    </span>
  );
}

/** A time in the viewer's zone, UTC in the tooltip. */
export function Time({ at, now }: { at: number; now: number }) {
  return (
    <time dateTime={Number.isFinite(at) ? new Date(at).toISOString() : undefined} title={formatUtc(at)}>
      {formatTime(at, now)}
    </time>
  );
}
