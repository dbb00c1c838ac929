// SPDX-License-Identifier: MIT
import { useEffect, useEffectEvent, useState, type Ref } from "react";
import { Button, Input } from "@fluentui/react-components";
import { ChevronDownRegular, ChevronUpRegular, SearchRegular } from "@fluentui/react-icons";
import { formatCount } from "../../logic/format";

interface Props {
  ref: Ref<HTMLInputElement>;
  value: string;
  matches: readonly number[];
  current: number;
  onChange: (value: string) => void;
  onStep: (direction: 1 | -1) => void;
  onLeave: () => void;
}

/** How long typing rests before a large transaction is searched. */
const kPauseMs = 120;

export function FindBox({ ref, value, matches, current, onChange, onStep, onLeave }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  const commit = useEffectEvent((text: string) => {
    onChange(text);
    setTyped(null);
  });
  useEffect(() => {
    if (typed === null) return;
    const timer = setTimeout(() => commit(typed), kPauseMs);
    return () => clearTimeout(timer);
  }, [typed]);
  const place = matches.indexOf(current);
  return (
    <div className="find-box">
      <Input
        input={{ ref }}
        size="small"
        value={typed ?? value}
        onChange={(_, data) => setTyped(data.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            event.preventDefault();
            onStep(event.shiftKey ? -1 : 1);
          } else if (event.key === "Escape") {
            event.preventDefault();
            event.stopPropagation();
            if ((typed ?? value) !== "") {
              setTyped(null);
              onChange("");
            }
            onLeave();
          }
        }}
        contentBefore={<SearchRegular aria-hidden />}
        contentAfter={
          value !== "" ? (
            <span className="find-count" role="status">
              {matches.length === 0 ? "none" : `${place < 0 ? "–" : formatCount(place + 1)}/${formatCount(matches.length)}`}
            </span>
          ) : undefined
        }
        placeholder="Find in this transaction"
        aria-label="Find in this transaction"
        spellCheck={false}
        autoComplete="off"
      />
      <Button size="small" appearance="subtle" icon={<ChevronUpRegular />} aria-label="Previous match (N)" title="Previous match (N)" disabled={matches.length === 0} onClick={() => onStep(-1)} />
      <Button size="small" appearance="subtle" icon={<ChevronDownRegular />} aria-label="Next match (n)" title="Next match (n)" disabled={matches.length === 0} onClick={() => onStep(1)} />
    </div>
  );
}
