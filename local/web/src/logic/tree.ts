// SPDX-License-Identifier: MIT
// Turns the items of one transaction into the rows of the waterfall.
//
// Telemetry is not to be trusted to form a tree: parents may be missing, point to themselves or in circles, ids may
// repeat, clocks of two machines may disagree, and a span may have come by both ways. Every item ends up in exactly one
// row, every row in exactly one place. Nothing here recurses, so depth is bounded by memory only.
import type { Item, Source } from "../api/types";
import { parseTimestamp } from "./format";

/** Items that are drawn as bars and may have children. */
export function isSpan(item: Item): boolean {
  return item.itemType === "request" || item.itemType === "dependency" || item.itemType === "availability" || item.itemType === "pageView";
}

export type MarkKind = "exception" | "log" | "event";
export const kMarkKinds: readonly MarkKind[] = ["exception", "log", "event"];

export function markKind(item: Item): MarkKind {
  if (item.itemType === "exception") return "exception";
  return item.itemType === "trace" ? "log" : "event";
}

export interface Row {
  /** Place in TraceModel.rows. */
  index: number;
  /** The item shown; Breeze's if both came, because its fields are the ones the portal shows. */
  item: Item;
  /** All items of this row: one, or one a source. */
  received: Item[];
  span: boolean;
  /** Milliseconds from the start of the transaction, after the clock is adjusted. */
  start: number;
  duration: number;
  failed: boolean;
  /** Place of the parent, -1 for a root. */
  parent: number;
  level: number;
  /** Rows [index + 1, end) are below this one. */
  end: number;
  /** The parent's id when no item has it; its span was not received. */
  missingParent: string | null;
  /** The parents formed a circle, cut here. */
  cycle: boolean;
  /** Milliseconds added to this row's own clock. */
  skew: number;
  /** This is the request that its parent, a dependency of another role, called. */
  paired: boolean;
  /** Places of child rows that are marks on this row's bar. */
  marks: number[];
}

export interface TraceModel {
  rows: Row[];
  /** Milliseconds since 1970 of the earliest item: zero of the axis. */
  origin: number;
  /** Length of the axis in milliseconds, never 0. */
  length: number;
  failures: number;
  /** Rows that came both as Breeze and as OTLP. */
  both: number;
}

interface Draft {
  item: Item;
  received: Item[];
  at: number;
  duration: number;
  parent: number;
  children: number[];
  missingParent: string | null;
  cycle: boolean;
  shift: number;
}

export function buildTrace(items: readonly Item[], adjustClocks = true): TraceModel {
  const drafts = mergeTwins(items);
  linkParents(drafts);
  cutCycles(drafts);
  const roots: number[] = [];
  drafts.forEach((draft, index) => (draft.parent < 0 ? roots.push(index) : drafts[draft.parent]!.children.push(index)));
  if (adjustClocks) adjustSkew(drafts, roots);
  const byStart = (a: number, b: number) =>
    drafts[a]!.at - drafts[b]!.at || drafts[b]!.duration - drafts[a]!.duration || drafts[a]!.item.seq - drafts[b]!.item.seq;
  roots.sort(byStart);
  for (const draft of drafts) if (draft.children.length > 1) draft.children.sort(byStart);
  return layOut(drafts, roots);
}

/** Finds the two copies of one span, or of one log record, that came by both ways. */
function mergeTwins(items: readonly Item[]): Draft[] {
  const drafts: Draft[] = [];
  // By source: drafts that still lack the copy from there, oldest first. `taken` instead of shift() keeps hostile input
  // linear.
  const waiting: Record<Source, Map<string, { drafts: Draft[]; taken: number }>> = { breeze: new Map(), otlp: new Map() };
  // Sorted by arrival, so that the result does not depend on the order of the answer.
  for (const item of [...items].sort((a, b) => a.seq - b.seq)) {
    const key = twinKey(item);
    // Two copies from one source are two items: a repeated id is something to see, not to hide.
    const queue = key === null ? undefined : waiting[item.source].get(key);
    if (queue !== undefined && queue.taken < queue.drafts.length) {
      const twin = queue.drafts[queue.taken++]!;
      twin.received.push(item);
      if (item.source === "breeze") setItem(twin, item);
      continue;
    }
    const draft: Draft = { item, received: [item], at: 0, duration: 0, parent: -1, children: [], missingParent: null, cycle: false, shift: 0 };
    setItem(draft, item);
    drafts.push(draft);
    if (key === null) continue;
    const others = waiting[item.source === "breeze" ? "otlp" : "breeze"];
    const known = others.get(key);
    if (known === undefined) others.set(key, { drafts: [draft], taken: 0 });
    else known.drafts.push(draft);
  }
  return drafts;
}

function setItem(draft: Draft, item: Item): void {
  draft.item = item;
  draft.at = parseTimestamp(item.timestamp);
  draft.duration = isSpan(item) ? Math.max(0, Number(item.duration ?? 0) || 0) : 0;
}

function twinKey(item: Item): string | null {
  if (item.id) return item.id;
  if (isSpan(item)) return null;
  // Logs have no id. Breeze cuts times to a tenth of a microsecond or coarser, so a millisecond is the common measure.
  const at = Math.round(parseTimestamp(item.timestamp));
  return JSON.stringify([item.itemType, item.operation_ParentId, at, item.name, item.message, item.exceptionType]);
}

/** What OTLP writes where there is no parent. */
const kNoParent = /^0+$/;

function linkParents(drafts: Draft[]): void {
  const byId = new Map<string, number>();
  drafts.forEach((draft, index) => {
    for (const item of draft.received) if (item.id && isSpan(item) && !byId.has(item.id)) byId.set(item.id, index);
  });
  drafts.forEach((draft, index) => {
    const parentId = draft.item.operation_ParentId;
    // Application Insights writes the operation's own id as the parent of a root.
    if (!parentId || parentId === draft.item.operation_Id || kNoParent.test(parentId)) return;
    const parent = byId.get(parentId);
    if (parent === undefined) draft.missingParent = parentId;
    else if (parent === index) draft.cycle = true;
    else draft.parent = parent;
  });
}

/** Makes the earliest row of every circle a root. */
function cutCycles(drafts: Draft[]): void {
  const enum Mark {
    kNew,
    kOnPath,
    kDone,
  }
  const marks = new Uint8Array(drafts.length);
  for (let start = 0; start < drafts.length; start++) {
    const path: number[] = [];
    let at = start;
    while (at >= 0 && marks[at] === Mark.kNew) {
      marks[at] = Mark.kOnPath;
      path.push(at);
      at = drafts[at]!.parent;
    }
    if (at >= 0 && marks[at] === Mark.kOnPath) {
      const circle = path.slice(path.indexOf(at));
      const first = circle.reduce((a, b) => (drafts[b]!.at < drafts[a]!.at ? b : a));
      drafts[first]!.parent = -1;
      drafts[first]!.cycle = true;
    }
    for (const index of path) marks[index] = Mark.kDone;
  }
}

/** A child on another machine cannot start before the call that caused it. If it seems to, its clock is off: it is put
 * into the middle of its parent (half of the difference for the way there, half for the way back), with everything
 * below it that runs on the same clock. */
function adjustSkew(drafts: Draft[], roots: number[]): void {
  const sameClock = (a: Item, b: Item) => a.cloud_RoleName === b.cloud_RoleName && a.cloud_RoleInstance === b.cloud_RoleInstance;
  const stack = [...roots];
  while (stack.length > 0) {
    const index = stack.pop()!;
    const draft = drafts[index]!;
    draft.at += draft.shift;
    for (const childIndex of draft.children) {
      const child = drafts[childIndex]!;
      stack.push(childIndex);
      if (sameClock(child.item, draft.item)) {
        child.shift = draft.shift;
      } else if (isSpan(child.item)) {
        const startsEarly = child.at < draft.at;
        const endsLate = child.at + child.duration > draft.at + draft.duration;
        // Late alone may be work that outlives the call, so it counts only where the call waited for the answer.
        const waited = draft.item.itemType === "dependency" && child.at < draft.at + draft.duration && child.duration <= draft.duration;
        if (startsEarly || (endsLate && waited)) child.shift = draft.at + Math.max(0, (draft.duration - child.duration) / 2) - child.at;
      }
    }
  }
}

function layOut(drafts: Draft[], roots: number[]): TraceModel {
  const rows: Row[] = [];
  let origin = Infinity;
  for (const draft of drafts) if (draft.at < origin) origin = draft.at;
  if (!Number.isFinite(origin)) origin = 0;
  let length = 0;
  let failures = 0;
  let both = 0;
  const stack: { draft: number; parent: number }[] = [];
  for (let at = roots.length - 1; at >= 0; at--) stack.push({ draft: roots[at]!, parent: -1 });
  while (stack.length > 0) {
    const { draft: draftIndex, parent } = stack.pop()!;
    const draft = drafts[draftIndex]!;
    const above = parent < 0 ? null : rows[parent]!;
    const start = Number.isFinite(draft.at) ? draft.at - origin : (above?.start ?? 0);
    const row: Row = {
      index: rows.length,
      item: draft.item,
      received: sortSources(draft.received),
      span: isSpan(draft.item),
      start,
      duration: draft.duration,
      failed: draft.item.success === false || draft.item.itemType === "exception",
      parent,
      level: above === null ? 1 : above.level + 1,
      end: rows.length + 1,
      missingParent: draft.missingParent,
      cycle: draft.cycle,
      skew: draft.shift,
      paired:
        draft.item.itemType === "request" &&
        above?.item.itemType === "dependency" &&
        above.item.cloud_RoleName !== draft.item.cloud_RoleName,
      marks: [],
    };
    rows.push(row);
    if (above !== null && !row.span) above.marks.push(row.index);
    if (row.failed) failures++;
    if (row.received.length > 1) both++;
    length = Math.max(length, start + draft.duration);
    for (let at = draft.children.length - 1; at >= 0; at--) stack.push({ draft: draft.children[at]!, parent: row.index });
  }
  // Backwards, so that each row's end is final before its parent takes it.
  for (let index = rows.length - 1; index >= 0; index--) {
    const row = rows[index]!;
    if (row.parent >= 0) rows[row.parent]!.end = Math.max(rows[row.parent]!.end, row.end);
  }
  // A transaction of one log record has no length; one millisecond keeps the axis defined.
  return { rows, origin, length: length > 0 ? length : 1, failures, both };
}

function sortSources(received: Item[]): Item[] {
  const order: Record<Source, number> = { breeze: 0, otlp: 1 };
  return [...received].sort((a, b) => order[a.source] - order[b.source]);
}

/** What of a row depends on the rows that are shown. */
export interface VisibleRow {
  row: Row;
  hasChildren: boolean;
  position: number;
  siblings: number;
}

/** The rows on display, in order.
 * @param folded places of rows whose children are hidden
 * @param hidden kinds of marks that are not shown as rows, save those that hang on no bar */
export function visibleRows(model: TraceModel, folded: ReadonlySet<number>, hidden: ReadonlySet<MarkKind>): VisibleRow[] {
  const shown: VisibleRow[] = [];
  const counts = new Map<number, number>();
  const isHidden = (row: Row) => !row.span && row.parent >= 0 && hidden.has(markKind(row.item));
  const withChildren = new Set<number>();
  for (const row of model.rows) if (row.parent >= 0 && !isHidden(row)) withChildren.add(row.parent);
  for (let index = 0; index < model.rows.length; ) {
    const row = model.rows[index]!;
    if (isHidden(row)) {
      index = row.end;
      continue;
    }
    const position = (counts.get(row.parent) ?? 0) + 1;
    counts.set(row.parent, position);
    shown.push({ row, hasChildren: withChildren.has(index), position, siblings: 0 });
    index = folded.has(index) ? row.end : index + 1;
  }
  for (const entry of shown) entry.siblings = counts.get(entry.row.parent)!;
  return shown;
}

/** Longest message that a row is expected to show whole. */
const kRowChars = 120;
/** Longer texts are cut where they stand beneath a row; the details have the rest. */
const kTextChars = 20_000;

/** What is worth showing beneath the row of a log record or an exception: its stack, or a message that no row can hold. Empty if nothing. */
export function longText(item: Item): string {
  if (item.stack) return item.stack.slice(0, kTextChars);
  const message = item.message ?? "";
  return !isSpan(item) && (message.length > kRowChars || message.includes("\n")) ? message.slice(0, kTextChars) : "";
}

/** The text that names a row. */
export function rowTitle(item: Item): string {
  if (item.itemType === "exception") return [item.exceptionType, item.message].filter(Boolean).join(": ") || "Exception";
  if (item.itemType === "trace") return item.message || item.name || "(empty message)";
  return item.name || item.message || `(${item.itemType} without a name)`;
}
