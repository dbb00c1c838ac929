// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { Item } from "../api/types";
import { compareItems, spanLinks, standardFields } from "./fields";
import { findRows, nextPlace } from "./find";
import { buildTrace } from "./tree";

const item = (seq: number, change: Partial<Item>): Item => ({ seq, source: "breeze", itemType: "dependency", timestamp: `2026-11-24T12:00:0${seq}Z`, ...change });

test("finds names, messages, property names and values of both copies, in any case", () => {
  const model = buildTrace([
    item(1, { id: "a", name: "BlobClient.PutBlob" }),
    item(2, { id: "b", customDimensions: { "order.id": "42" } }),
    item(3, { id: "a", source: "otlp", name: "put", customDimensions: { only: "by OTLP" } }),
  ]);
  expect(findRows(model, "putblob")).toEqual([0]);
  expect(findRows(model, "ORDER.ID")).toEqual([1]);
  expect(findRows(model, "42")).toEqual([1]);
  expect(findRows(model, "by otlp")).toEqual([0]);
  expect(findRows(model, "nowhere")).toEqual([]);
  expect(findRows(model, "  ")).toEqual([]);
});

test("the next place goes round in both directions", () => {
  expect(nextPlace([2, 5, 9], 5, 1)).toBe(9);
  expect(nextPlace([2, 5, 9], 9, 1)).toBe(2);
  expect(nextPlace([2, 5, 9], 2, -1)).toBe(9);
  expect(nextPlace([2, 5, 9], -1, 1)).toBe(2);
  expect(nextPlace([], 3, 1)).toBeNull();
});

test("fields without a value are left out and have the portal's names", () => {
  const fields = standardFields(item(1, { itemType: "request", name: "GET /", success: false, resultCode: "503", duration: 12.3, url: "" }));
  expect(fields.filter((field) => field.main).map((field) => field.name)).toEqual(["Event time", "Request name", "Successful request", "Response code", "Response time"]);
});

test("span links are read from their property, whatever it holds", () => {
  const links = (value: unknown) => spanLinks(item(1, { customDimensions: { "_MS.links": value } }));
  expect(links('[{"operation_Id":"t1","id":"s1"},{"operation_Id":"t2"},7,{}]')).toEqual([
    { operationId: "t1", id: "s1" },
    { operationId: "t2", id: "" },
  ]);
  expect(spanLinks(item(1, { links: [{ operation_Id: "t3", id: "s3" }] }))).toEqual([{ operationId: "t3", id: "s3" }]);
  expect(links("[{cut")).toEqual([]);
  expect(links('{"operation_Id":"t1"}')).toEqual([]);
  expect(spanLinks(item(1, {}))).toEqual([]);
});

test("comparing lists the differences first and knows absent from present", () => {
  const rows = compareItems(item(1, { name: "a", resultCode: "200", customDimensions: { x: "1" } }), item(2, { source: "otlp", timestamp: "2026-11-24T12:00:01Z", name: "a", customDimensions: { x: "2", y: "3" } }));
  expect(rows.filter((row) => !row.equal).map((row) => [row.name, row.breeze, row.otlp])).toEqual([
    ["resultCode", "200", ""],
    ["customDimensions.x", "1", "2"],
    ["customDimensions.y", "", "3"],
  ]);
  expect(rows.find((row) => row.name === "name")!.equal).toBe(true);
});
