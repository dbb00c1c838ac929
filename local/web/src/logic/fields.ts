// SPDX-License-Identifier: MIT
// The standard fields of an item, by the names that the portal's details show.
import type { Item } from "../api/types";
import { formatCount, formatDuration, severityName } from "./format";

export interface Field {
  name: string;
  value: string;
  /** Shown before "Show all". */
  main: boolean;
  /** Better read in monospace: ids, URLs, statements. */
  code?: boolean;
  /** The field of the item that it shows. */
  from: keyof Item & string;
}

const kTypeNames: Record<string, string> = {
  request: "Request",
  dependency: "Dependency",
  trace: "Trace",
  exception: "Exception",
  customEvent: "Custom event",
  availability: "Availability",
  pageView: "Page view",
  metric: "Metric",
};

export function typeName(itemType: string): string {
  return kTypeNames[itemType] ?? itemType;
}

/** Fields with a value, in the order of display. */
export function standardFields(item: Item): Field[] {
  const word = item.itemType === "request" ? "Request" : item.itemType === "dependency" ? "Dependency" : typeName(item.itemType);
  const dependency = item.itemType === "dependency";
  const fields: Field[] = [];
  const add = (name: string, from: keyof Item & string, main: boolean, code = false, format: (value: unknown) => string = String) => {
    const value = item[from];
    if (value === null || value === undefined || value === "") return;
    fields.push({ name, value: format(value), main, code, from });
  };
  const yesNo = (value: unknown) => (value === true || value === "true" || value === "True" ? "true" : "false");
  add("Event time", "timestamp", true);
  add("Message", "message", true);
  add("Exception type", "exceptionType", true, true);
  add("Severity level", "severityLevel", true, false, (value) => severityName(value as string | number));
  add(dependency ? "Remote dependency name" : `${word} name`, "name", true);
  add(dependency ? "Dependency call status" : `Successful ${word.toLowerCase()}`, "success", true, false, yesNo);
  add(dependency ? "Result code" : "Response code", "resultCode", true);
  add(dependency ? "Dependency duration" : item.itemType === "request" ? "Response time" : "Duration", "duration", true, false, (value) => formatDuration(Number(value)));
  add("Dependency type", "type", true);
  add("Target", "target", true);
  add(dependency ? "Command" : "Data", "data", true, true);
  add(item.itemType === "request" ? "Request URL" : "URL", "url", true, true);
  add("Cloud role name", "cloud_RoleName", true);
  add("Cloud role instance", "cloud_RoleInstance", false);
  add("Telemetry type", "itemType", false, false, (value) => typeName(String(value)));
  add("Operation Id", "operation_Id", false, true);
  add("Parent Id", "operation_ParentId", false, true);
  add(`${word} Id`, "id", false, true);
  add("Instrumentation key", "iKey", false, true);
  add("Item count", "itemCount", false, false, (value) => formatCount(Number(value)));
  return fields;
}

export interface Property {
  name: string;
  value: string;
}

/** Members of a bag as text, by name. */
export function properties(bag: Record<string, unknown> | null | undefined): Property[] {
  return Object.entries(bag ?? {})
    .map(([name, value]) => ({ name, value: typeof value === "string" ? value : (JSON.stringify(value) ?? "") }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export interface SpanLink {
  operationId: string;
  id: string;
}

/** The span links of an item: its own field, else the property in which Application Insights carries them as JSON. */
export function spanLinks(item: Item): SpanLink[] {
  const raw: unknown = item.links ?? item.customDimensions?.["_MS.links"];
  if (raw === undefined || raw === null) return [];
  let list: unknown = raw;
  if (typeof raw === "string") {
    try {
      list = JSON.parse(raw);
    } catch {
      return []; // Cut or foreign: it still stands among the custom properties.
    }
  }
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null) return [];
    const { operation_Id: operationId, id } = entry as Record<string, unknown>;
    return typeof operationId === "string" && operationId !== "" ? [{ operationId, id: typeof id === "string" ? id : "" }] : [];
  });
}

export interface Difference {
  name: string;
  breeze: string;
  otlp: string;
  equal: boolean;
}

const kNotCompared = new Set(["seq", "source", "customDimensions", "customMeasurements"]);

/** Field by field, what the two copies of one span say; differences first. */
export function compareItems(breeze: Item, otlp: Item): Difference[] {
  const rows: Difference[] = [];
  const add = (name: string, left: unknown, right: unknown) => {
    const [a, b] = [asText(left), asText(right)];
    if (a !== "" || b !== "") rows.push({ name, breeze: a, otlp: b, equal: a === b });
  };
  const names = (a: object | null | undefined, b: object | null | undefined) => [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])];
  for (const name of names(breeze, otlp)) if (!kNotCompared.has(name)) add(name, breeze[name], otlp[name]);
  for (const bag of ["customDimensions", "customMeasurements"] as const)
    for (const name of names(breeze[bag], otlp[bag])) add(`${bag}.${name}`, breeze[bag]?.[name], otlp[bag]?.[name]);
  return rows.sort((a, b) => Number(a.equal) - Number(b.equal));
}

function asText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
