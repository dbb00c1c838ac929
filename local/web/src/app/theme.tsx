// SPDX-License-Identifier: MIT
// Light, dark, or as the system says; remembered in this browser.
import { createContext, useContext, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";
import { FluentProvider, webDarkTheme, webLightTheme, type Theme } from "@fluentui/react-components";

export type ThemeChoice = "system" | "light" | "dark";
const kStorageKey = "azmon-local.theme";

// Tabular figures and a stack that looks right without any downloaded font.
const fonts = { fontFamilyMonospace: '"Cascadia Mono", Consolas, "SF Mono", Menlo, "Liberation Mono", monospace' };
const themes: Record<"light" | "dark", Theme> = {
  light: { ...webLightTheme, ...fonts },
  dark: { ...webDarkTheme, ...fonts },
};

interface ThemeState {
  choice: ThemeChoice;
  shown: "light" | "dark";
  setChoice: (choice: ThemeChoice) => void;
}

const ThemeContext = createContext<ThemeState | null>(null);

export function useTheme(): ThemeState {
  const state = useContext(ThemeContext);
  if (state === null) throw new Error("useTheme outside of ThemeProvider");
  return state;
}

function readChoice(): ThemeChoice {
  try {
    const stored = localStorage.getItem(kStorageKey);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system"; // storage is switched off
  }
}

const darkQuery = window.matchMedia("(prefers-color-scheme: dark)");
const onSystemChange = (listener: () => void) => {
  darkQuery.addEventListener("change", listener);
  return () => darkQuery.removeEventListener("change", listener);
};

export function ThemeProvider({ children }: { children: ReactNode }) {
  const [choice, setChoiceState] = useState(readChoice);
  const systemDark = useSyncExternalStore(onSystemChange, () => darkQuery.matches);
  const shown = choice === "system" ? (systemDark ? "dark" : "light") : choice;
  useEffect(() => {
    document.documentElement.dataset.theme = shown;
    document.documentElement.style.colorScheme = shown;
  }, [shown]);
  const state = useMemo<ThemeState>(
    () => ({
      choice,
      shown,
      setChoice: (next) => {
        setChoiceState(next);
        try {
          if (next === "system") localStorage.removeItem(kStorageKey);
          else localStorage.setItem(kStorageKey, next);
        } catch {
          // Not remembered then; the choice holds until the tab closes.
        }
      },
    }),
    [choice, shown],
  );
  return (
    <ThemeContext value={state}>
      <FluentProvider theme={themes[shown]} className="app-provider">
        {children}
      </FluentProvider>
    </ThemeContext>
  );
}
