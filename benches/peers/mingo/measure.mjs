// Measures mingo on the filters and documents of seed/benches/filter.rs: one JSON line a filter.
//
// `matches` in the file of filters is what both must count.

import { readFileSync } from "node:fs";
import { Query } from "mingo";
import { documents } from "./jobs.mjs";

const DOCUMENTS = 100_000;
const ROUNDS = 9;

const jobs = documents(DOCUMENTS);
const file = new URL("../../../seed/benches/filters.json", import.meta.url);
const cases = JSON.parse(readFileSync(file, "utf8"), readDate);
const { version } = JSON.parse(readFileSync(new URL("node_modules/mingo/package.json", import.meta.url), "utf8"));

for (const { name, filter, matches } of cases) {
  const query = new Query(filter);
  const counted = count(query);
  if (counted !== matches) {
    console.error(`${name}: ${counted} documents match, not ${matches}`);
    process.exitCode = 1;
  }
  const seconds = Array.from({ length: ROUNDS }, () => time(() => count(query))).sort((a, b) => a - b);
  const documents_per_s = Math.round(DOCUMENTS / seconds[ROUNDS >> 1]);
  console.log(JSON.stringify({ peer: "mingo", version, filter: name, matches: counted, documents_per_s }));
}

function count(query) {
  let matches = 0;
  for (const job of jobs) if (query.test(job)) matches += 1;
  return matches;
}

function time(work) {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

function readDate(_, value) {
  return value?.$date === undefined ? value : new Date(value.$date);
}
