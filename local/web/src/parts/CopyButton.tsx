// SPDX-License-Identifier: MIT
import { useEffect, useState } from "react";
import { Button, type ButtonProps } from "@fluentui/react-components";
import { CheckmarkRegular, CopyRegular } from "@fluentui/react-icons";

async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  // The clipboard API exists only on https and on localhost; another host name over http gets the old way.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

interface Props {
  /** What is copied; a function is asked at the click. */
  text: string | (() => string);
  /** What the button is for, such as "Copy link". */
  label: string;
  /** Whether the label is shown beside the icon. */
  withText?: boolean;
  appearance?: ButtonProps["appearance"];
  icon?: ButtonProps["icon"];
  tabIndex?: number;
}

export function CopyButton({ text, label, withText = false, appearance = "subtle", icon, tabIndex }: Props) {
  const [state, setState] = useState<"idle" | "done" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), 1500);
    return () => clearTimeout(timer);
  }, [state]);
  const shown = state === "done" ? "Copied" : state === "failed" ? "Copying was refused" : label;
  return (
    <Button
      size="small"
      appearance={appearance}
      className="copy-button"
      icon={state === "done" ? <CheckmarkRegular /> : (icon ?? <CopyRegular />)}
      aria-label={shown}
      title={shown}
      tabIndex={tabIndex}
      onClick={(event) => {
        event.stopPropagation();
        copyText(typeof text === "string" ? text : text()).then(
          () => setState("done"),
          () => setState("failed"),
        );
      }}
    >
      {withText ? shown : null}
    </Button>
  );
}
