// SPDX-License-Identifier: MIT
// The rows of a transaction over a common time axis: a treegrid. Rows have one fixed height and exist only in view, so
// 100,000 of them cost no more than forty; what needs all rows (find, next error) works on the model.
import { memo, useEffect, useEffectEvent, useImperativeHandle, useMemo, useRef, type CSSProperties, type KeyboardEvent, type Ref } from "react";
import {
  ArrowCircleDownRightRegular,
  ArrowCircleRightRegular,
  ChevronDownRegular,
  ChevronRightRegular,
  ClockRegular,
  DatabaseRegular,
  DocumentTextRegular,
  ErrorCircleFilled,
  FlagRegular,
  GlobeRegular,
  WarningRegular,
} from "@fluentui/react-icons";
import { useVirtualizer } from "@tanstack/react-virtual";
import type { Item } from "../../api/types";
import { useStoredNumber, useWidth } from "../../app/hooks";
import { formatDuration, formatTick, severityName } from "../../logic/format";
import { niceTicks } from "../../logic/ticks";
import { longText, markKind, rowTitle, type Row, type TraceModel, type VisibleRow } from "../../logic/tree";
import { CopyButton } from "../../parts/CopyButton";
import { roleStyle } from "../../parts/parts";
import { Splitter } from "../../parts/Splitter";

export interface WaterfallHandle {
  focus: () => void;
}

interface Props {
  ref: Ref<WaterfallHandle>;
  model: TraceModel;
  visible: VisibleRow[];
  folded: ReadonlySet<number>;
  /** Places of the rows whose stack or long text stands beneath them. */
  unrolled: ReadonlySet<number>;
  from: number;
  to: number;
  matches: ReadonlySet<number>;
  /** Place of the row with the cursor. */
  current: number | null;
  /** Place of the row whose details are open. */
  opened: number | null;
  onCurrent: (row: Row) => void;
  onOpen: (row: Row) => void;
  onFold: (row: Row, fold: boolean) => void;
  onUnroll: (row: Row, unroll: boolean) => void;
  onZoom: (from: number, to: number) => void;
}

const kRowPx = 28;
const kHeadPx = 28;
const kOverscan = 10;
/** Deeper levels are drawn at this one, so that names stay readable; aria-level tells the true one. */
const kDepthMax = 20;
/** Marks drawn on one bar; a bar is too small to show more. */
const kMarksMax = 60;
const kTickPx = 80;
/** Room for the duration at the right of the axis. */
const kLabelPx = 66;
const kWheelFactor = 1.2;

export function Waterfall(props: Props) {
  const { ref, model, visible, folded, unrolled, from, to, matches, current, opened, onCurrent, onOpen, onFold, onUnroll, onZoom } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [measure, width] = useWidth<HTMLDivElement>();
  const [storedName, setName] = useStoredNumber("name-width", 420);
  const nameMax = Math.max(120, width - 160);
  const name = Math.min(storedName, nameMax, Math.max(140, width * 0.5));
  const plotPx = Math.max(1, width - name - kLabelPx);
  const indentPx = width < 640 ? 8 : 14;

  const virtual = useVirtualizer({
    count: visible.length,
    getScrollElement: () => scroller.current,
    // Known beforehand, also where a text is unrolled: nothing is measured, nothing jumps.
    estimateSize: (at) => kRowPx + (unrolled.has(visible[at]!.row.index) ? textPx(visible[at]!.row.item) : 0),
    overscan: kOverscan,
    scrollMargin: kHeadPx,
    scrollPaddingStart: kHeadPx,
  });
  useEffect(() => virtual.measure(), [virtual, visible, unrolled]);
  const shown = virtual.getVirtualItems();
  const currentAt = useMemo(() => (current === null ? -1 : visible.findIndex((entry) => entry.row.index === current)), [visible, current]);

  /** Set while the focus is moved here by the page, which chooses the row itself. */
  const isGuided = useRef(false);
  useImperativeHandle(
    ref,
    () => ({
      focus: () => {
        isGuided.current = true;
        scroller.current?.focus({ preventScroll: true });
        isGuided.current = false;
      },
    }),
    [],
  );
  const bringIntoView = useEffectEvent(() => {
    if (currentAt >= 0) virtual.scrollToIndex(currentAt, { align: "auto" });
  });
  useEffect(() => bringIntoView(), [current, visible]);

  // A listener of its own: React's are passive, and this one has to keep the browser from zooming the page.
  const onWheel = useEffectEvent((event: WheelEvent) => {
    const length = to - from;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const box = scroller.current!.getBoundingClientRect();
      const share = Math.max(0, Math.min(1, (event.clientX - box.left - name) / plotPx));
      const at = from + share * length;
      const next = length * (event.deltaY > 0 ? kWheelFactor : 1 / kWheelFactor);
      onZoom(at - share * next, at + (1 - share) * next);
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      const moved = ((event.deltaX || event.deltaY) / plotPx) * length;
      onZoom(from + moved, to + moved);
    }
  });
  useEffect(() => {
    const element = scroller.current!;
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);

  const goTo = (at: number) => {
    const entry = visible[Math.max(0, Math.min(visible.length - 1, at))];
    if (entry !== undefined) onCurrent(entry.row);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor(((scroller.current?.clientHeight ?? 0) - kHeadPx) / kRowPx) - 1);
    const entry = visible[currentAt];
    const isFolded = entry !== undefined && folded.has(entry.row.index);
    const actions: Record<string, () => void> = {
      ArrowDown: () => goTo(currentAt + 1),
      ArrowUp: () => goTo(currentAt < 0 ? 0 : currentAt - 1),
      PageDown: () => goTo(currentAt + page),
      PageUp: () => goTo(currentAt - page),
      Home: () => goTo(0),
      End: () => goTo(visible.length - 1),
      ArrowRight: () => {
        if (entry === undefined) return;
        if (canUnroll(entry.row)) onUnroll(entry.row, true);
        else if (!entry.hasChildren) return;
        else if (isFolded) onFold(entry.row, false);
        else goTo(currentAt + 1);
      },
      ArrowLeft: () => {
        if (entry === undefined) return;
        if (unrolled.has(entry.row.index)) onUnroll(entry.row, false);
        else if (entry.hasChildren && !isFolded) onFold(entry.row, true);
        else if (entry.row.parent >= 0) onCurrent(model.rows[entry.row.parent]!);
      },
      Enter: () => entry !== undefined && onOpen(entry.row),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  };


  const ticks = niceTicks(from, to, Math.max(2, Math.floor(plotPx / kTickPx)));
  const percent = (ms: number) => ((ms - from) / (to - from)) * 100;
  const lastSibling = useMemo(() => lastSiblings(visible), [visible]);

  return (
    <div className="waterfall-box" ref={measure} style={{ "--name": `${name}px`, "--indent": `${indentPx}px`, "--label": `${kLabelPx}px` } as CSSProperties}>
      <div
        className="waterfall"
        role="treegrid"
        aria-label="Items of the transaction"
        aria-rowcount={visible.length + 1}
        tabIndex={0}
        ref={scroller}
        aria-activedescendant={currentAt >= 0 && shown.some((item) => item.index === currentAt) ? rowId(visible[currentAt]!.row) : undefined}
        onKeyDown={onKeyDown}
        onFocus={(event) => {
          if (!isGuided.current && event.target === event.currentTarget && currentAt < 0 && visible.length > 0) onCurrent(visible[0]!.row);
        }}
      >
        <div className="waterfall-head" role="row" aria-rowindex={1}>
          <span role="columnheader" className="waterfall-head-name">
            Name
          </span>
          <span role="columnheader" className="waterfall-head-axis" aria-label={`Time from ${formatTick(from, ticks.step)} to ${formatDuration(to)}`}>
            {ticks.values.map((at) => (
              <span key={at} className="tick" style={{ left: `${percent(at)}%` }}>
                {formatTick(at, ticks.step)}
              </span>
            ))}
          </span>
        </div>
        <div className="waterfall-lines" aria-hidden>
          {ticks.values.map((at) => (
            <span key={at} style={{ left: `${percent(at)}%` }} />
          ))}
        </div>
        <div className="waterfall-rows" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
          {shown.map((item) => {
            const entry = visible[item.index]!;
            return (
              <WaterfallRow
                key={entry.row.item.seq}
                entry={entry}
                model={model}
                at={item.index}
                top={item.start - kHeadPx}
                last={lastSibling}
                isFolded={folded.has(entry.row.index)}
                isUnrolled={unrolled.has(entry.row.index)}
                isCurrent={item.index === currentAt}
                isOpen={entry.row.index === opened}
                isMatch={matches.has(entry.row.index)}
                from={from}
                to={to}
                onOpen={onOpen}
                onFold={onFold}
                onUnroll={onUnroll}
              />
            );
          })}
        </div>
      </div>
      <div className="name-splitter" style={{ left: name }}>
        <Splitter label="Width of the names" orientation="vertical" value={name} min={120} max={nameMax} direction={1} onChange={setName} />
      </div>
    </div>
  );
}

/** Lines of an unrolled text that are seen at once; the rest scrolls. */
const kTextLinesMax = 14;
const kTextLinePx = 16;
const kTextPaddingPx = 14;

const canUnroll = (row: Row) => !row.span && longText(row.item) !== "";

function textPx(item: Item): number {
  return Math.min(kTextLinesMax, longText(item).split("\n", kTextLinesMax).length) * kTextLinePx + kTextPaddingPx;
}

const rowId = (row: Row) => `item-${row.item.seq}`;

/** Answers whether a row has no sibling on display after it: there its tree line ends. */
function lastSiblings(visible: VisibleRow[]): (row: Row) => boolean {
  const last = new Set<number>();
  for (const entry of visible) if (entry.position === entry.siblings) last.add(entry.row.index);
  return (row) => last.has(row.index);
}

interface RowProps {
  entry: VisibleRow;
  model: TraceModel;
  at: number;
  top: number;
  last: (row: Row) => boolean;
  isFolded: boolean;
  isUnrolled: boolean;
  isCurrent: boolean;
  isOpen: boolean;
  isMatch: boolean;
  from: number;
  to: number;
  onOpen: (row: Row) => void;
  onFold: (row: Row, fold: boolean) => void;
  onUnroll: (row: Row, unroll: boolean) => void;
}

/** Remembered: scrolling draws only the rows that come into view. */
const WaterfallRow = memo(function WaterfallRow({ entry, model, at, top, last, isFolded, isUnrolled, isCurrent, isOpen, isMatch, from, to, onOpen, onFold, onUnroll }: RowProps) {
  const { row } = entry;
  const { item } = row;
  const depth = Math.min(row.level - 1, kDepthMax);
  const title = rowTitle(item);
  const classes = ["waterfall-row"];
  if (isCurrent) classes.push("current");
  if (isOpen) classes.push("open");
  if (isMatch) classes.push("match");
  if (!row.span) classes.push("mark-row");
  const hasText = canUnroll(row);
  const isClosed = hasText ? !isUnrolled : isFolded;
  const severity = row.span ? "" : severityName(item.severityLevel);
  return (
    <div
      id={rowId(row)}
      className={classes.join(" ")}
      role="row"
      aria-rowindex={at + 2}
      aria-level={row.level}
      aria-posinset={entry.position}
      aria-setsize={entry.siblings}
      aria-expanded={entry.hasChildren || hasText ? !isClosed : undefined}
      aria-selected={isOpen}
      style={{ ...roleStyle(item.cloud_RoleName ?? ""), height: kRowPx + (isUnrolled ? textPx(item) : 0), transform: `translateY(${top}px)` }}
      onClick={() => onOpen(row)}
    >
      <span role="gridcell" className="name-cell">
        <TreeLines row={row} model={model} depth={depth} last={last} below={entry.hasChildren && !isFolded} />
        {entry.hasChildren || hasText ? (
          <button
            type="button"
            className="fold"
            tabIndex={-1}
            aria-label={hasText ? (isClosed ? "Show the whole text" : "Hide the text") : isClosed ? "Unfold" : "Fold"}
            onClick={(event) => {
              event.stopPropagation();
              if (hasText) onUnroll(row, isClosed);
              else onFold(row, isClosed);
            }}
          >
            {isClosed ? <ChevronRightRegular aria-hidden /> : <ChevronDownRegular aria-hidden />}
          </button>
        ) : (
          <span className="fold" />
        )}
        <RowIcon row={row} />
        {severity !== "" && <span className={`severity severity-${severity.toLowerCase()}`}>{severity}</span>}
        {item.cloud_RoleName && row.span && <span className="row-role">{item.cloud_RoleName}</span>}
        <span className="row-name" title={title}>
          {title}
        </span>
        {isFolded && <span className="row-count">+{row.end - row.index - 1}</span>}
        {row.missingParent !== null && (
          <span className="row-flag" title={`Its parent ${row.missingParent} was not received`}>
            <WarningRegular aria-label="Parent not received" />
          </span>
        )}
        {row.cycle && (
          <span className="row-flag" title="Its parents form a circle">
            <WarningRegular aria-label="Parents form a circle" />
          </span>
        )}
        {row.skew !== 0 && (
          <span className="row-flag quiet" title={`Clock adjusted by ${row.skew > 0 ? "+" : "−"}${formatDuration(Math.abs(row.skew))}`}>
            <ClockRegular aria-label="Clock adjusted" />
          </span>
        )}
      </span>
      <span role="gridcell" className="bar-cell" aria-label={row.span ? `${formatDuration(row.duration)}, starts at ${formatDuration(row.start)}` : `at ${formatDuration(row.start)}`}>
        {row.span ? <Bar row={row} model={model} from={from} to={to} /> : <MarkDot row={row} from={from} to={to} />}
      </span>
      {isUnrolled && (
        <span role="gridcell" className="row-text" style={{ height: textPx(item) }} onClick={(event) => event.stopPropagation()}>
          <pre className="mono" tabIndex={0} aria-label={item.stack ? "Call stack" : "Whole text"}>
            {longText(item)}
          </pre>
          <CopyButton text={longText(item)} label={item.stack ? "Copy the call stack" : "Copy the text"} tabIndex={-1} />
        </span>
      )}
    </div>
  );
});

/** Lines from the parents down to this row. */
function TreeLines({ row, model, depth, last, below }: { row: Row; model: TraceModel; depth: number; last: (row: Row) => boolean; below: boolean }) {
  const lines = [];
  if (row.level - 1 <= kDepthMax) {
    // From the row upwards: at the row's own level a branch, above it a line where an ancestor has siblings to come.
    let at: Row = row;
    for (let level = depth; level > 0; level--) {
      const ends = last(at);
      if (level === depth) lines.push(<span key={level} className={ends ? "line branch branch-last" : "line branch"} style={{ left: `calc(${level - 1} * var(--indent) + 11px)` }} />);
      else if (!ends) lines.push(<span key={level} className="line" style={{ left: `calc(${level - 1} * var(--indent) + 11px)` }} />);
      at = model.rows[at.parent]!;
    }
  }
  return (
    <span className="lines" aria-hidden style={{ width: `calc(${depth} * var(--indent))` }}>
      {lines}
      {below && row.level <= kDepthMax && <span className="line line-down" style={{ left: `calc(${depth} * var(--indent) + 11px)` }} />}
    </span>
  );
}

function RowIcon({ row }: { row: Row }) {
  const { item } = row;
  if (row.failed) return <ErrorCircleFilled className="row-icon icon-failed" aria-label={item.itemType === "exception" ? "Exception" : "Failed"} />;
  if (item.itemType === "request") return <ArrowCircleRightRegular className="row-icon icon-role" aria-label="Request" />;
  if (item.itemType === "dependency") {
    const type = (item.type ?? "").toLowerCase();
    if (type === "" || type.startsWith("inproc")) return <ArrowCircleDownRightRegular className="row-icon icon-role" aria-label="In process" />;
    if (/sql|mongo|redis|cosmos|storage|blob|table|postgres|mysql|sqlite/.test(type)) return <DatabaseRegular className="row-icon icon-role" aria-label={`Dependency ${item.type}`} />;
    return <GlobeRegular className="row-icon icon-role" aria-label={`Dependency ${item.type}`} />;
  }
  if (item.itemType === "trace") {
    const severity = severityName(item.severityLevel);
    return severity === "Warning" || severity === "Error" || severity === "Critical" ? (
      <WarningRegular className={`row-icon ${severity === "Warning" ? "icon-warning" : "icon-failed"}`} aria-label={`Log, ${severity}`} />
    ) : (
      <DocumentTextRegular className="row-icon quiet" aria-label="Log" />
    );
  }
  return <FlagRegular className="row-icon quiet" aria-label="Event" />;
}

interface BarProps {
  row: Row;
  model: TraceModel;
  from: number;
  to: number;
}

function Bar({ row, model, from, to }: BarProps) {
  const scale = 100 / (to - from);
  const left = (row.start - from) * scale;
  const right = (row.start + row.duration - from) * scale;
  const marks = row.marks.length <= kMarksMax ? row.marks : row.marks.filter((_, at) => at % Math.ceil(row.marks.length / kMarksMax) === 0);
  if (right < 0 || left > 100) {
    // Out of view: say in which direction it lies.
    return <span className={right < 0 ? "bar-away bar-before" : "bar-away bar-after"}>{right < 0 ? "‹" : "›"}</span>;
  }
  const shownLeft = Math.max(0, left);
  const shownRight = Math.min(100, Math.max(right, left));
  const caller = row.paired ? model.rows[row.parent]! : null;
  const callerRight = caller === null ? 0 : Math.max(0, Math.min(100, (caller.start + caller.duration - from) * scale));
  const cut = `${left < 0 ? " bar-cut-left" : ""}${right > 100 ? " bar-cut-right" : ""}`;
  return (
    <>
      {caller !== null && (
        <span
          className="bar-pair"
          style={{ left: `${Math.max(0, (caller.start - from) * scale)}%`, right: `${100 - callerRight}%` }}
        />
      )}
      <span
        className={`bar ${row.item.itemType === "dependency" ? "bar-out" : "bar-in"}${row.failed ? " bar-failed" : ""}${cut}`}
        style={{ left: `${shownLeft}%`, width: `${shownRight - shownLeft}%` }}
      />
      {marks.map((index) => {
        const mark = model.rows[index]!;
        const at = (mark.start - from) * scale;
        if (at < 0 || at > 100) return null;
        return <span key={index} className={`mark mark-${markKind(mark.item)}`} style={{ left: `${at}%` }} title={rowTitle(mark.item)} />;
      })}
      <span className="bar-label" style={{ left: `${Math.max(shownRight, callerRight)}%` }}>
        {formatDuration(row.duration)}
      </span>
    </>
  );
}

function MarkDot({ row, from, to }: { row: Row; from: number; to: number }) {
  const at = ((row.start - from) / (to - from)) * 100;
  if (at < 0 || at > 100) return <span className={at < 0 ? "bar-away bar-before" : "bar-away bar-after"}>{at < 0 ? "‹" : "›"}</span>;
  return (
    <>
      <span className={`mark mark-alone mark-${markKind(row.item)}`} style={{ left: `${at}%` }} />
      <span className="bar-label mark-label" style={{ left: `${at}%` }}>
        +{formatDuration(row.start)}
      </span>
    </>
  );
}
