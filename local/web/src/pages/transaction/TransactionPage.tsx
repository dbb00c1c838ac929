// SPDX-License-Identifier: MIT
// One transaction: header, tools, waterfall, details. What is chosen, found, zoomed and hidden is in the address.
import { useCallback, useEffect, useEffectEvent, useMemo, useRef, useState } from "react";
import { Button, Menu, MenuButton, MenuItemCheckbox, MenuList, MenuPopover, MenuTrigger, Tooltip } from "@fluentui/react-components";
import { ArrowDownloadRegular, ArrowLeftRegular, ArrowSwapRegular, BracesRegular, EyeRegular, KeyboardRegular, LinkRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ApiError, getTransaction, transactionPath } from "../../api/client";
import type { Transaction } from "../../api/types";
import { Failure } from "../../app/Failure";
import { isTyping, readAnew, useDelayed, useMedia, useOnChange, useStoredNumber, useWidth } from "../../app/hooks";
import { lastListState, useListState } from "../../app/listState";
import { findRows, nextPlace } from "../../logic/find";
import { formatAge, formatDuration, parseTimestamp, plural } from "../../logic/format";
import { buildTrace, kMarkKinds, rowTitle, visibleRows, type MarkKind, type Row } from "../../logic/tree";
import { isLive, type TraceState } from "../../logic/url";
import { CopyButton } from "../../parts/CopyButton";
import { Result, RoleChip, Time } from "../../parts/parts";
import { Splitter } from "../../parts/Splitter";
import { DetailsPane } from "./DetailsPane";
import { FindBox } from "./FindBox";
import { KeysDialog } from "./KeysDialog";
import { Minimap } from "./Minimap";
import { Waterfall, type WaterfallHandle } from "./Waterfall";
import "../../styles/trace.css";

export function TransactionPage() {
  const { operationId } = useParams({ from: "/transactions/$operationId" });
  const live = isLive(useListState());
  const query = useQuery({ queryKey: ["transaction", operationId], queryFn: ({ signal }) => getTransaction(operationId, signal) });
  const pauseMs = Math.max(kRefreshPauseMs, (query.data?.items.length ?? 0) * kRefreshPauseMsPerItem);
  useOnChange(() => readAnew(query), live, pauseMs);
  const slow = useDelayed(query.isPending);

  if (query.data !== undefined) return <TransactionView key={operationId} transaction={query.data} />;
  if (query.isPending) return slow ? <div className="skeleton" role="status" aria-label="Loading">{Array.from({ length: 10 }, (_, at) => <span key={at} />)}</div> : null;
  const missing = query.error instanceof ApiError && query.error.status === 404;
  return (
    <div className="trace-missing">
      <BackLink />
      <Failure what={missing ? "This transaction is not stored here." : "The transaction could not be read."} error={query.error} onRetry={() => void query.refetch()} />
      {missing && <p className="quiet mono">{operationId}</p>}
    </div>
  );
}

/** Any change on the server may be one of this transaction, so it is read again, at most once a second; a long one is
 * megabytes of JSON and is read less often. */
const kRefreshPauseMs = 1000;
const kRefreshPauseMsPerItem = 0.1;
/** Narrowest part of the axis that can be shown, milliseconds. */
const kZoomMin = 0.001;

function BackLink() {
  return (
    <Link to="/" search={lastListState()} className="back-link" aria-label="Back to the transactions" title="Back to the transactions">
      <ArrowLeftRegular aria-hidden />
    </Link>
  );
}

function TransactionView({ transaction }: { transaction: Transaction }) {
  const state = useSearch({ from: "/transactions/$operationId" });
  const navigate = useNavigate({ from: "/transactions/$operationId" });
  const setState = useCallback(
    (change: Partial<TraceState>) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true }),
    [navigate],
  );
  const model = useMemo(() => buildTrace(transaction.items, state.clocks !== "off"), [transaction.items, state.clocks]);
  const hidden = useMemo(() => new Set((state.hide?.split(",") ?? []) as MarkKind[]), [state.hide]);
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const foldedRows = useMemo(
    () => new Set(folded.size === 0 ? [] : model.rows.filter((row) => folded.has(rowKey(row))).map((row) => row.index)),
    [model, folded],
  );
  // Stacks and long messages beneath their rows; closed until asked for.
  const [unrolled, setUnrolled] = useState<ReadonlySet<string>>(new Set());
  const unrolledRows = useMemo(
    () => new Set(unrolled.size === 0 ? [] : model.rows.filter((row) => unrolled.has(rowKey(row))).map((row) => row.index)),
    [model, unrolled],
  );
  const visible = useMemo(() => visibleRows(model, foldedRows, hidden), [model, foldedRows, hidden]);
  const selected = useMemo(
    () => (state.item === undefined ? null : (model.rows.find((row) => row.received.some((item) => item.seq === state.item)) ?? null)),
    [model, state.item],
  );
  const [cursor, setCursor] = useState<number | null>(null);
  const current = cursor ?? selected?.item.seq ?? null;
  const currentRow = useMemo(() => model.rows.find((row) => row.received.some((item) => item.seq === current)) ?? null, [model, current]);

  const matches = useMemo(() => findRows(model, state.find ?? ""), [model, state.find]);
  const matchSet = useMemo(() => new Set(matches), [matches]);
  const errors = useMemo(() => model.rows.filter((row) => row.failed).map((row) => row.index), [model]);

  const zoom = useMemo(() => {
    const from = Math.min(state.from ?? 0, model.length - kZoomMin);
    return { from: Math.max(0, from), to: Math.min(state.to ?? model.length, model.length) };
  }, [state.from, state.to, model.length]);
  const setZoom = useCallback(
    (from: number, to: number) => {
      const width = Math.min(model.length, Math.max(kZoomMin, to - from));
      const start = Math.max(0, Math.min(from, model.length - width));
      const whole = start <= 0 && width >= model.length;
      const round = (ms: number) => Number(ms.toPrecision(9));
      setState(whole ? { from: undefined, to: undefined } : { from: round(start), to: round(start + width) });
    },
    [model.length, setState],
  );

  const waterfall = useRef<WaterfallHandle>(null);
  const findInput = useRef<HTMLInputElement>(null);
  const [keysOpen, setKeysOpen] = useState(false);

  /** Chooses a row, opens what it is folded into and brings it into view. */
  const reveal = (row: Row, details: boolean) => {
    if (!row.span && hidden.has(kindOf(row)) && row.parent >= 0) {
      // A hidden mark has no row: its span stands for it, the details show the mark itself.
      setState({ item: row.item.seq, tab: undefined });
      setCursor(row.item.seq);
      return;
    }
    const ancestors = new Set<string>();
    for (let at = row.parent; at >= 0; at = model.rows[at]!.parent) ancestors.add(rowKey(model.rows[at]!));
    if ([...folded].some((key) => ancestors.has(key))) setFolded(new Set([...folded].filter((key) => !ancestors.has(key))));
    setCursor(row.item.seq);
    if (details || state.item !== undefined) setState({ item: row.item.seq, tab: undefined });
    waterfall.current?.focus();
  };

  const walk = (places: readonly number[], direction: 1 | -1) => {
    const place = nextPlace(places, currentRow?.index ?? -1, direction);
    if (place !== null) reveal(model.rows[place]!, false);
  };
  const closeDetails = () => {
    if (state.item !== undefined) setCursor(current);
    setState({ item: undefined, tab: undefined });
    waterfall.current?.focus();
  };
  const foldAll = (fold: boolean) => setFolded(fold ? new Set(model.rows.filter((row) => row.end > row.index + 1).map(rowKey)) : new Set());

  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "f") {
      event.preventDefault();
      findInput.current?.focus();
      findInput.current?.select();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || event.defaultPrevented) return;
    if ((event.target as HTMLElement | null)?.closest("dialog, [role=menu]")) return;
    const actions: Record<string, () => void> = {
      e: () => walk(errors, 1),
      E: () => walk(errors, -1),
      n: () => walk(matches, 1),
      N: () => walk(matches, -1),
      "?": () => setKeysOpen(true),
      "*": () => foldAll(false),
      "+": () => zoomAround(0.5),
      "=": () => zoomAround(0.5),
      "-": () => zoomAround(2),
      "0": () => setZoom(0, model.length),
      Escape: closeDetails,
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
  useEffect(() => {
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);

  /** Zooms about the middle of the current row if it is in view, else about the middle of the view. */
  const zoomAround = (factor: number) => {
    const middle = currentRow === null ? NaN : currentRow.start + currentRow.duration / 2;
    const at = middle >= zoom.from && middle <= zoom.to ? middle : (zoom.from + zoom.to) / 2;
    const width = (zoom.to - zoom.from) * factor;
    setZoom(at - width / 2, at + width / 2);
  };

  const [frame, frameWidth] = useWidth<HTMLDivElement>();
  const beside = useMedia("(min-width: 1100px)");
  const [paneWidth, setPaneWidth] = useStoredNumber("pane-width", 440);
  const [paneHeight, setPaneHeight] = useStoredNumber("pane-height", 320);
  const maxWidth = Math.max(280, frameWidth - 420);
  const maxHeight = Math.max(160, window.innerHeight - 320);
  const detailsRow = state.item === undefined ? null : selected;
  const size = beside ? { width: Math.min(paneWidth, maxWidth) } : { height: Math.min(paneHeight, maxHeight) };

  return (
    <div className={`trace ${beside ? "beside" : "below"}`} ref={frame}>
      <Header transaction={transaction} model={model} onCompare={(row) => {
        setCursor(row.item.seq);
        setState({ item: row.item.seq, tab: "compare" });
      }} />
      <div className="trace-tools">
        <FindBox
          ref={findInput}
          value={state.find ?? ""}
          matches={matches}
          current={currentRow?.index ?? -1}
          onChange={(find) => setState({ find: find || undefined })}
          onStep={(direction) => walk(matches, direction)}
          onLeave={() => waterfall.current?.focus()}
        />
        {errors.length > 0 && (
          <Button size="small" appearance="subtle" className="errors-button" onClick={() => walk(errors, 1)} title="Next error (e)">
            {plural(errors.length, "error")}
          </Button>
        )}
        <Legend roles={transaction.roles} />
        <span className="trace-tools-end">
          <ViewMenu state={state} setState={setState} hidden={hidden} onFoldAll={foldAll} />
          <Tooltip content="Keys (?)" relationship="label">
            <Button size="small" appearance="subtle" icon={<KeyboardRegular />} onClick={() => setKeysOpen(true)} />
          </Tooltip>
        </span>
      </div>
      <div className="trace-body">
        <div className="trace-main">
          <Minimap model={model} from={zoom.from} to={zoom.to} onZoom={setZoom} />
          <Waterfall
            ref={waterfall}
            model={model}
            visible={visible}
            folded={foldedRows}
            unrolled={unrolledRows}
            from={zoom.from}
            to={zoom.to}
            matches={matchSet}
            current={currentRow?.index ?? null}
            opened={detailsRow?.index ?? null}
            onCurrent={(row) => {
              setCursor(row.item.seq);
              if (state.item !== undefined) setState({ item: row.item.seq, tab: undefined });
            }}
            onOpen={(row) => {
              setCursor(row.item.seq);
              setState({ item: row.item.seq, tab: undefined });
            }}
            onFold={(row, fold) => {
              const next = new Set(folded);
              if (fold) next.add(rowKey(row));
              else next.delete(rowKey(row));
              setFolded(next);
            }}
            onUnroll={(row, open) => {
              const next = new Set(unrolled);
              if (open) next.add(rowKey(row));
              else next.delete(rowKey(row));
              setUnrolled(next);
            }}
            onZoom={setZoom}
          />
        </div>
        {detailsRow !== null && (
          <>
            <Splitter
              label="Size of the details"
              orientation={beside ? "vertical" : "horizontal"}
              value={beside ? paneWidth : paneHeight}
              min={beside ? 280 : 160}
              max={beside ? maxWidth : maxHeight}
              direction={-1}
              onChange={beside ? setPaneWidth : setPaneHeight}
              controls="details"
            />
            <aside className="details" id="details" aria-label="Details" style={size}>
              <DetailsPane
                key={detailsRow.item.seq}
                row={detailsRow}
                model={model}
                tab={state.tab}
                onTab={(tab) => setState({ tab })}
                onClose={closeDetails}
                onGo={(row) => reveal(row, true)}
              />
            </aside>
          </>
        )}
      </div>
      <KeysDialog open={keysOpen} onClose={() => {
        setKeysOpen(false);
        waterfall.current?.focus();
      }} />
    </div>
  );
}

/** Stays the same while items arrive, unlike a row's place. */
const rowKey = (row: Row) => String(Math.min(...row.received.map((item) => item.seq)));

const kindOf = (row: Row): MarkKind => (row.item.itemType === "exception" ? "exception" : row.item.itemType === "trace" ? "log" : "event");

function Header({ transaction, model, onCompare }: { transaction: Transaction; model: ReturnType<typeof buildTrace>; onCompare: (row: Row) => void }) {
  const root = model.rows.find((row) => row.span) ?? model.rows[0];
  const name = root === undefined ? transaction.operation_Id : rowTitle(root.item);
  // The result of the first root, as in the list; without a span any error counts.
  const failed = root?.span ? root.item.success === false : model.failures > 0;
  const start = parseTimestamp(transaction.start);
  const compared = model.rows.find((row) => row.received.length > 1);
  const now = Date.now();
  const age = formatAge(start, now);
  useEffect(() => {
    document.title = `${name} · azmon-local`;
  }, [name]);
  const exportJson = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(transaction, null, 2)], { type: "application/json" }));
    link.download = `transaction-${transaction.operation_Id.replaceAll(/[^\w-]/g, "_")}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <header className="trace-head">
      <div className="trace-title">
        <BackLink />
        <Result success={!failed} word={false} />
        <h1 title={name}>{name}</h1>
        <span className="trace-actions">
          <CopyButton label="Copy link" icon={<LinkRegular />} text={() => window.location.href} />
          <Tooltip content="Open the JSON" relationship="label">
            <Button size="small" appearance="subtle" as="a" href={transactionPath(transaction.operation_Id)} target="_blank" rel="noreferrer" icon={<BracesRegular />} />
          </Tooltip>
          <Tooltip content="Export as a file" relationship="label">
            <Button size="small" appearance="subtle" icon={<ArrowDownloadRegular />} onClick={exportJson} />
          </Tooltip>
          {compared !== undefined && (
            <Tooltip content="Compare what came by Breeze with what came by OTLP" relationship="description">
              <Button size="small" appearance="subtle" icon={<ArrowSwapRegular />} onClick={() => onCompare(compared)}>
                <span className="wide-only">Compare</span>
              </Button>
            </Tooltip>
          )}
        </span>
      </div>
      <ul className="trace-facts" aria-label="Summary">
        <li className={failed ? "result failed" : "result ok"}>{failed ? "Failed" : "OK"}</li>
        <li>
          <Time at={start} now={now} />
          {age !== null && <span className="quiet"> · {age}</span>}
        </li>
        <li>
          <b>{formatDuration(model.length)}</b>
        </li>
        <li>{plural(transaction.roles.length, "role")}</li>
        <li title={model.both > 0 ? `${plural(transaction.items.length, "item")} received, ${plural(model.both, "pair")} of them by both ways` : undefined}>
          {plural(model.rows.length, "item")}
        </li>
        <li className={model.failures > 0 ? "error-count" : undefined}>{plural(model.failures, "error")}</li>
        <li className="trace-id">
          <code title="Operation id">{transaction.operation_Id}</code>
          <CopyButton label="Copy the operation id" text={transaction.operation_Id} />
        </li>
      </ul>
    </header>
  );
}

function Legend({ roles }: { roles: string[] }) {
  return (
    <ul className="legend" aria-label="Roles">
      {roles.map((role) => (
        <li key={role}>
          <RoleChip role={role} />
        </li>
      ))}
    </ul>
  );
}

const kMarkNames: Record<MarkKind, string> = { exception: "Exceptions", log: "Logs", event: "Events" };

function ViewMenu({ state, setState, hidden, onFoldAll }: { state: TraceState; setState: (change: Partial<TraceState>) => void; hidden: ReadonlySet<MarkKind>; onFoldAll: (fold: boolean) => void }) {
  const shown = kMarkKinds.filter((kind) => !hidden.has(kind));
  return (
    <Menu
      positioning="below-end"
      checkedValues={{ rows: shown, clocks: state.clocks === "off" ? [] : ["adjust"], fold: [] }}
      onCheckedValueChange={(_, { name, checkedItems }) => {
        if (name === "rows") setState({ hide: kMarkKinds.filter((kind) => !checkedItems.includes(kind)).sort().join(",") || undefined });
        if (name === "clocks") setState({ clocks: checkedItems.length > 0 ? undefined : "off" });
        if (name === "fold") onFoldAll(checkedItems.includes("fold"));
      }}
    >
      <MenuTrigger disableButtonEnhancement>
        <MenuButton size="small" appearance="subtle" icon={<EyeRegular />}>
          <span className="wide-only">View</span>
        </MenuButton>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {kMarkKinds.map((kind) => (
            <MenuItemCheckbox key={kind} name="rows" value={kind}>
              {kMarkNames[kind]} as rows
            </MenuItemCheckbox>
          ))}
          <MenuItemCheckbox name="clocks" value="adjust">
            Adjust clocks that disagree
          </MenuItemCheckbox>
          <MenuItemCheckbox name="fold" value="fold">
            Fold everything
          </MenuItemCheckbox>
          <MenuItemCheckbox name="fold" value="unfold">
            Unfold everything
          </MenuItemCheckbox>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
