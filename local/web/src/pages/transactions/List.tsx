// SPDX-License-Identifier: MIT
// The table of transactions: a grid whose rows have one fixed height and exist only while they are in view.
import { useEffect, useEffectEvent, useRef, useState, type KeyboardEvent, type MouseEvent } from "react";
import { Menu, MenuDivider, MenuItem, MenuList, MenuPopover } from "@fluentui/react-components";
import {
  ArrowUpRegular,
  ChevronRightRegular,
  CopyRegular,
  ErrorCircleRegular,
  FilterAddRegular,
  FilterDismissRegular,
  MoreHorizontalRegular,
  OpenRegular,
} from "@fluentui/react-icons";
import { Link, useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import type { TransactionSummary } from "../../api/types";
import { useMedia } from "../../app/hooks";
import { Result, RoleChip, Time } from "../../parts/parts";
import { formatCount, formatDuration, parseTimestamp, plural } from "../../logic/format";
import { withTerm, type ListState } from "../../logic/url";
import type { TransactionList } from "./useTransactionList";

const kRowPx = 34;
const kNarrowRowPx = 56;
/** Rows drawn beyond each end of the view. */
const kOverscan = 12;

type CellKind = "name" | "result" | "role";
interface OpenMenu {
  row: TransactionSummary;
  /** The cell it belongs to; null for the whole row. */
  cell: CellKind | null;
  role?: string;
  x: number;
  y: number;
}

/** The transaction opened last, so that coming back finds the place. */
let lastOpened: string | null = null;

interface Props {
  list: TransactionList;
  state: ListState;
  setState: (change: Partial<ListState>) => void;
  onTop: (atTop: boolean) => void;
}

export function List({ list, state, setState, onTop }: Props) {
  const { rows } = list;
  const narrow = useMedia("(max-width: 699px)");
  const rowPx = narrow ? kNarrowRowPx : kRowPx;
  const scroller = useRef<HTMLDivElement>(null);
  const navigate = useNavigate();
  const [active, setActive] = useState<string | null>(lastOpened);
  const [menu, setMenu] = useState<OpenMenu | null>(null);
  const now = Date.now();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    getItemKey: (index) => rows[index]!.operation_Id,
    overscan: kOverscan,
  });
  useEffect(() => virtual.measure(), [rowPx, virtual]);

  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  const { hasMore } = list;
  const askMore = useEffectEvent(list.loadMore);
  useEffect(() => {
    if (hasMore && last >= rows.length - kOverscan * 2) askMore();
  }, [hasMore, last, rows.length]);

  // One common scale for the bars of everything loaded; square root keeps short ones visible beside a slow one.
  const longest = rows.reduce((max, row) => Math.max(max, row.duration), 0);
  const share = (duration: number) => (longest > 0 ? Math.sqrt(Math.max(0, duration) / longest) * 100 : 0);

  const activeIndex = rows.findIndex((row) => row.operation_Id === active);
  const goTo = (index: number) => {
    const clamped = Math.max(0, Math.min(rows.length - 1, index));
    const row = rows[clamped];
    if (row === undefined) return;
    setActive(row.operation_Id);
    virtual.scrollToIndex(clamped, { align: "auto" });
  };
  const open = (row: TransactionSummary) => {
    lastOpened = row.operation_Id;
    void navigate({ to: "/transactions/$operationId", params: { operationId: row.operation_Id } });
  };

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowPx) - 1);
    const moves: Record<string, number> = {
      ArrowDown: activeIndex + 1,
      ArrowUp: activeIndex < 0 ? 0 : activeIndex - 1,
      PageDown: activeIndex + page,
      PageUp: activeIndex - page,
      Home: 0,
      End: rows.length - 1,
    };
    const target = moves[event.key];
    const row = rows[activeIndex];
    if (target !== undefined) {
      event.preventDefault();
      goTo(target);
    } else if (event.key === "Enter" && row !== undefined) {
      event.preventDefault();
      open(row);
    } else if ((event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) && row !== undefined) {
      event.preventDefault();
      const box = document.getElementById(rowId(activeIndex))?.getBoundingClientRect();
      setMenu({ row, cell: null, x: (box?.left ?? 0) + 160, y: box?.bottom ?? 0 });
    }
  };

  const openMenu = (event: MouseEvent, row: TransactionSummary, cell: CellKind | null, role?: string) => {
    event.preventDefault();
    event.stopPropagation();
    setActive(row.operation_Id);
    setMenu({ row, cell, role, x: event.clientX, y: event.clientY });
  };

  return (
    <div className="list">
      {list.waiting > 0 && (
        <button
          type="button"
          className="pill"
          onClick={() => {
            list.showWaiting();
            scroller.current?.scrollTo({ top: 0 });
          }}
        >
          <ArrowUpRegular aria-hidden /> {formatCount(list.waiting)}
          {list.waiting >= 100 ? "+" : ""} new
        </button>
      )}
      <div
        className="grid"
        role="grid"
        aria-label="Transactions"
        aria-rowcount={list.hasMore ? -1 : rows.length + 1}
        tabIndex={0}
        aria-activedescendant={activeIndex >= 0 && shown.some((item) => item.index === activeIndex) ? rowId(activeIndex) : undefined}
        onKeyDown={onKeyDown}
        onFocus={() => activeIndex < 0 && rows.length > 0 && setActive(rows[0]!.operation_Id)}
        data-stale={list.stale || undefined}
        ref={scroller}
        onScroll={(event) => onTop(event.currentTarget.scrollTop < rowPx / 2)}
      >
        <div className="grid-head list-columns" role="row" aria-rowindex={1}>
          <span role="columnheader">Time</span>
          <span role="columnheader">Result</span>
          <span role="columnheader">Name</span>
          <span role="columnheader">Roles</span>
          <span role="columnheader" className="number">
            Items
          </span>
          <span role="columnheader" className="number">
            Duration
          </span>
        </div>
        <div className="grid-body" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
          {shown.map((item) => {
            const row = rows[item.index]!;
            return (
              <div
                key={item.key}
                id={rowId(item.index)}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={row.operation_Id === active}
                className={`grid-row list-columns${row.success ? "" : " row-failed"}${list.fresh.has(row.operation_Id) ? " fresh" : ""}`}
                style={{ height: rowPx, transform: `translateY(${item.start}px)` }}
                onClick={(event) => {
                  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                  open(row);
                }}
                onContextMenu={(event) => openMenu(event, row, null)}
              >
                <span role="gridcell" className="cell-time">
                  <Time at={parseTimestamp(row.start)} now={now} />
                </span>
                <span role="gridcell" className="cell-result" onContextMenu={(event) => openMenu(event, row, "result")}>
                  <Result success={row.success} />
                  {row.success && row.errors > 0 && (
                    <span className="inner-errors" title={`${plural(row.errors, "error")} inside`}>
                      <ErrorCircleRegular aria-label="errors inside:" /> {formatCount(row.errors)}
                    </span>
                  )}
                </span>
                <span role="gridcell" className="cell-name" onContextMenu={(event) => openMenu(event, row, "name")}>
                  <Link
                    to="/transactions/$operationId"
                    params={{ operationId: row.operation_Id }}
                    tabIndex={-1}
                    preload={false}
                    title={row.name}
                    onClick={(event) => {
                      // A plain click is the row's; with a key held it opens a tab, as any link.
                      if (!(event.ctrlKey || event.metaKey || event.shiftKey)) event.preventDefault();
                    }}
                  >
                    {row.name || "(no name)"}
                  </Link>
                  <button type="button" className="cell-more" tabIndex={-1} aria-label="Filter by this row" onClick={(event) => openMenu(event, row, null)}>
                    <MoreHorizontalRegular aria-hidden />
                  </button>
                </span>
                <span role="gridcell" className="cell-roles" title={row.roles.join(" › ")}>
                  {row.roles.map((role, at) => (
                    <span key={role} className="role-step" onContextMenu={(event) => openMenu(event, row, "role", role)}>
                      {at > 0 && <ChevronRightRegular aria-hidden />}
                      <RoleChip role={role} />
                    </span>
                  ))}
                </span>
                <span role="gridcell" className="cell-items number" aria-label={plural(row.items, "item")}>
                  {formatCount(row.items)}
                </span>
                <span role="gridcell" className="cell-duration number">
                  <span>{formatDuration(row.duration)}</span>
                  <span className="duration-bar" aria-hidden>
                    <span style={{ width: `${share(row.duration)}%` }} />
                  </span>
                </span>
              </div>
            );
          })}
        </div>
      </div>
      {menu !== null && <RowMenu menu={menu} state={state} setState={setState} onOpen={open} onClose={() => {
        setMenu(null);
        scroller.current?.focus();
      }} />}
    </div>
  );
}

const rowId = (index: number) => `transaction-${index}`;

function RowMenu({ menu, state, setState, onOpen, onClose }: { menu: OpenMenu; state: ListState; setState: Props["setState"]; onOpen: (row: TransactionSummary) => void; onClose: () => void }) {
  const { row, cell } = menu;
  const target = { getBoundingClientRect: () => new DOMRect(menu.x, menu.y, 0, 0) };
  const roles = cell === "role" ? [menu.role!] : cell === null ? row.roles : [];
  const result = row.success ? "ok" : "failed";
  const resultName = row.success ? "OK" : "Failed";
  const url = `${window.location.origin}/transactions/${encodeURIComponent(row.operation_Id)}`;
  return (
    <Menu open onOpenChange={(_, data) => !data.open && onClose()} positioning={{ target, position: "below", align: "start" }}>
      <MenuPopover>
        <MenuList>
          <MenuItem icon={<OpenRegular />} onClick={() => onOpen(row)}>
            Open
          </MenuItem>
          <MenuItem icon={<CopyRegular />} onClick={() => void navigator.clipboard?.writeText(url)}>
            Copy link
          </MenuItem>
          <MenuItem icon={<CopyRegular />} onClick={() => void navigator.clipboard?.writeText(row.operation_Id)}>
            Copy operation id
          </MenuItem>
          <MenuDivider />
          {(cell === null || cell === "name") && row.name !== "" && (
            <>
              <MenuItem icon={<FilterAddRegular />} onClick={() => setState({ q: withTerm(state.q, row.name, false) })}>
                Filter by “{shorten(row.name)}”
              </MenuItem>
              <MenuItem icon={<FilterDismissRegular />} onClick={() => setState({ q: withTerm(state.q, row.name, true) })}>
                Exclude “{shorten(row.name)}”
              </MenuItem>
            </>
          )}
          {(cell === null || cell === "result") && (
            <>
              <MenuItem icon={<FilterAddRegular />} onClick={() => setState({ result })}>
                Filter by result {resultName}
              </MenuItem>
              <MenuItem icon={<FilterDismissRegular />} onClick={() => setState({ result: row.success ? "failed" : "ok" })}>
                Exclude result {resultName}
              </MenuItem>
            </>
          )}
          {roles.filter(Boolean).map((role) => (
            <MenuItem key={`with-${role}`} icon={<FilterAddRegular />} onClick={() => setState({ role })}>
              Filter by role {role}
            </MenuItem>
          ))}
          {roles.filter(Boolean).map((role) => (
            <MenuItem key={`without-${role}`} icon={<FilterDismissRegular />} onClick={() => setState({ q: withTerm(state.q, role, true) })}>
              Exclude {role}
            </MenuItem>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

const shorten = (text: string) => (text.length > 40 ? `${text.slice(0, 39)}…` : text);
