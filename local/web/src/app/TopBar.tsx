// SPDX-License-Identifier: MIT
import { useEffect, useRef, useState, type ReactElement } from "react";
import {
  Button,
  Input,
  Menu,
  MenuButton,
  MenuItemRadio,
  MenuList,
  MenuPopover,
  MenuTrigger,
  Tooltip,
  type MenuProps,
} from "@fluentui/react-components";
import {
  AppsListRegular,
  ClockRegular,
  DarkThemeRegular,
  DismissRegular,
  PauseRegular,
  PlayRegular,
  SearchRegular,
  WeatherMoonRegular,
  WeatherSunnyRegular,
} from "@fluentui/react-icons";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { getTransaction } from "../api/client";
import { formatTime } from "../logic/format";
import { isLive, kDefaultRange, kRangeNames, kRanges, type ListState, type MetricsState, type Range } from "../logic/url";
import { useStats } from "../api/queries";
import { isTyping, useLiveState, useMedia } from "./hooks";
import { keepListState, useListState } from "./listState";
import { useTheme, type ThemeChoice } from "./theme";

/** How long typing rests before the list is searched. */
const kSearchPauseMs = 250;

function useSetList() {
  const navigate = useNavigate();
  const state = useListState();
  return (change: Partial<ListState>, replace = false) => void navigate({ to: "/", search: { ...state, ...change }, replace });
}

export function TopBar() {
  return (
    <>
      <span className="brand">azmon-local</span>
      <AppPicker />
      <SearchBox />
      <RangePicker />
      <LiveButton />
      <ThemeButton />
    </>
  );
}

interface Choice {
  value: string;
  text: string;
}

function RadioMenu({ trigger, choices, value, onChange }: { trigger: ReactElement; choices: Choice[]; value: string; onChange: (value: string) => void }) {
  const onChecked: MenuProps["onCheckedValueChange"] = (_, data) => onChange(data.checkedItems[0] ?? value);
  return (
    <Menu checkedValues={{ choice: [value] }} onCheckedValueChange={onChecked} positioning="below-end">
      <MenuTrigger disableButtonEnhancement>{trigger}</MenuTrigger>
      <MenuPopover>
        <MenuList>
          {choices.map((choice) => (
            <MenuItemRadio key={choice.value} name="choice" value={choice.value}>
              {choice.text}
            </MenuItemRadio>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

/** Shown only where there is something to pick: more than one instrumentation key. */
function AppPicker() {
  const applications = useStats().data?.applications ?? [];
  const state = useListState();
  const setList = useSetList();
  if (applications.length < 2 && state.app === undefined) return null;
  const shorten = (key: string) => (key.length > 14 ? `${key.slice(0, 6)}…${key.slice(-6)}` : key);
  return (
    <RadioMenu
      value={state.app ?? ""}
      onChange={(value) => setList({ app: value === "" ? undefined : value })}
      choices={[{ value: "", text: "All applications" }, ...applications.map((app) => ({ value: app.iKey, text: app.iKey }))]}
      trigger={
        <MenuButton appearance="subtle" icon={<AppsListRegular />} className="app-picker" aria-label={`Application: ${state.app ?? "all"}`}>
          {state.app === undefined ? "All applications" : shorten(state.app)}
        </MenuButton>
      }
    />
  );
}

function SearchBox() {
  const state = useListState();
  const navigate = useNavigate();
  const onList = useRouterState({ select: (router) => router.location.pathname === "/" });
  const setList = useSetList();
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState<string | null>(null);
  const value = typed ?? state.q ?? "";

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || isTyping(event)) return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);

  // Typing filters the list at once; from other pages only Enter leads there.
  useEffect(() => {
    if (!onList || typed === null) return;
    const timer = setTimeout(() => {
      setList({ q: typed.trim() || undefined }, true);
      setTyped(null);
    }, kSearchPauseMs);
    return () => clearTimeout(timer);
  });

  const submit = async () => {
    const text = value.trim();
    // A pasted trace id means "show me this one", whatever the filters say.
    if (/^[0-9a-f]{32}$/i.test(text)) {
      const operationId = text.toLowerCase();
      const found = await getTransaction(operationId).then(
        () => true,
        () => false,
      );
      if (found) {
        setTyped(null);
        void navigate({ to: "/transactions/$operationId", params: { operationId } });
        return;
      }
    }
    setTyped(null);
    setList({ q: text || undefined });
  };

  return (
    <search className="search-box">
      <Input
        input={{ ref: input }}
        value={value}
        onChange={(_, data) => setTyped(data.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") void submit();
          if (event.key === "Escape") input.current?.blur();
        }}
        contentBefore={<SearchRegular aria-hidden />}
        contentAfter={
          value !== "" ? (
            <Button
              appearance="transparent"
              size="small"
              icon={<DismissRegular />}
              aria-label="Clear the search"
              onClick={() => {
                setTyped(null);
                setList({ q: undefined });
              }}
            />
          ) : (
            <kbd aria-hidden>/</kbd>
          )
        }
        placeholder="Search: whole terms, AND, OR, NOT, or a trace id"
        aria-label="Search transactions"
        spellCheck={false}
        autoComplete="off"
      />
    </search>
  );
}

/** The time range of the page that is shown; on pages without one, of the list, to which the choice leads then. */
function RangePicker() {
  const listState = useListState();
  const setList = useSetList();
  const navigate = useNavigate();
  const ofMetrics = useRouterState({ select: (router) => (router.location.pathname === "/metrics" ? (router.location.search as MetricsState) : null) });
  const state: Pick<ListState, "range" | "since" | "until"> = ofMetrics ?? listState;
  const setRange = (range: Range) => {
    const change = { range, since: undefined, until: undefined };
    if (ofMetrics === null) setList(change);
    else void navigate({ to: "/metrics", search: { ...ofMetrics, ...change } });
  };
  const narrow = useMedia("(max-width: 899px)");
  const fixed = state.since !== undefined && state.until !== undefined;
  const label = fixed
    ? `${formatTime(state.since!, Date.now(), false)} – ${formatTime(state.until!, Date.now(), false).slice(-8)}`
    : kRangeNames[state.range ?? kDefaultRange];
  return (
    <RadioMenu
      value={fixed ? "" : (state.range ?? kDefaultRange)}
      onChange={(value) => setRange(value as Range)}
      choices={kRanges.map((range) => ({ value: range, text: kRangeNames[range] }))}
      trigger={
        <MenuButton appearance="subtle" icon={<ClockRegular />} className="range-picker" aria-label={`Time range: ${label}`}>
          {narrow ? null : label}
        </MenuButton>
      }
    />
  );
}

function LiveButton() {
  const state = useListState();
  const setList = useSetList();
  const connection = useLiveState();
  const onList = useRouterState({ select: (router) => router.location.pathname === "/" });
  const on = isLive(state);
  const word = !on ? "Paused" : connection === "open" ? "Live" : connection === "lost" ? "Offline" : "Connecting";
  const tip = on ? "Pause: keep the list as it is" : "Follow what arrives";
  return (
    <Tooltip content={tip} relationship="description">
      <Button
        appearance="subtle"
        className="live-button"
        data-state={word.toLowerCase()}
        icon={on ? <PauseRegular /> : <PlayRegular />}
        onClick={() => {
          const change: Partial<ListState> = on ? { live: "off" } : { live: undefined, since: undefined, until: undefined };
          // On other pages this pauses that page; it must not lead away from it.
          if (onList) setList(change);
          else keepListState({ ...state, ...change });
        }}
      >
        <span className="live-dot" aria-hidden />
        <span className="live-word">{word}</span>
      </Button>
    </Tooltip>
  );
}

function ThemeButton() {
  const { choice, setChoice } = useTheme();
  const icons: Record<ThemeChoice, ReactElement> = {
    system: <DarkThemeRegular />,
    light: <WeatherSunnyRegular />,
    dark: <WeatherMoonRegular />,
  };
  return (
    <RadioMenu
      value={choice}
      onChange={(value) => setChoice(value as ThemeChoice)}
      choices={[
        { value: "system", text: "As the system" },
        { value: "light", text: "Light" },
        { value: "dark", text: "Dark" },
      ]}
      trigger={<MenuButton appearance="subtle" icon={icons[choice]} aria-label={`Theme: ${choice}`} className="theme-button" menuIcon={null} />}
    />
  );
}
