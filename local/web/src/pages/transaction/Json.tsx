// SPDX-License-Identifier: MIT
import { useMemo, type ReactNode } from "react";
import { CopyButton } from "../../parts/CopyButton";

/** Above this the text is shown without colours: each coloured token is an element of its own. */
const kColourCharsMax = 60_000;

const kToken = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** JSON, indented, with colours and a copy button. */
export function Json({ value }: { value: unknown }) {
  const text = useMemo(() => JSON.stringify(value, null, 2) ?? "", [value]);
  const coloured = useMemo(() => (text.length > kColourCharsMax ? text : colour(text)), [text]);
  return (
    <div className="json">
      <CopyButton text={text} label="Copy the JSON" withText appearance="outline" />
      <pre tabIndex={0} aria-label="JSON">
        {coloured}
      </pre>
    </div>
  );
}

function colour(text: string): ReactNode[] {
  const parts: ReactNode[] = [];
  let at = 0;
  for (const match of text.matchAll(kToken)) {
    const [whole, string, colon] = match;
    if (match.index > at) parts.push(text.slice(at, match.index));
    if (string !== undefined) {
      parts.push(
        <span key={match.index} className={colon === undefined ? "json-text" : "json-name"}>
          {string}
        </span>,
      );
      if (colon !== undefined) parts.push(colon);
    } else {
      parts.push(
        <span key={match.index} className="json-value">
          {whole}
        </span>,
      );
    }
    at = match.index + whole.length;
  }
  parts.push(text.slice(at));
  return parts;
}
