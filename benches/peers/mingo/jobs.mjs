// Documents of a job's shape: the very ones of seed/benches/jobs.rs.

const TASKS = [
  "send email", "resize image", "make invoice", "sync contacts",
  "aggregate sales", "index text", "call webhook", "clean uploads",
];
const TAGS = ["notifications", "media", "db aggregation", "default"];
const STATUSES = [
  "delayed", "queued", "queued", "processing", "completed",
  "completed", "completed", "completed", "failed", "timeout",
];
const NAMES = ["ada", "björn", "chiara", "dmitri", "emre", "fatima", "grace", "haruki"];
const COUNTRIES = ["de", "fr", "gb", "it", "jp", "pl", "tr", "us"];
const DOMAINS = ["example.org", "example.com", "example.net", "mail.example"];
const LABELS = ["urgent", "weekly", "trial", "internal", "retry", "bulk"];
const LEVELS = ["debug", "info", "warning", "error"];
const FINAL = new Set(["completed", "failed", "timeout"]);
const START = Date.parse("2026-01-01T00:00:00Z");

export function documents(count) {
  const chance = new Chance();
  return Array.from({ length: count }, (_, number) => document(number, chance));
}

// Every draw stands in the order in which the Rust program makes it.
function document(number, chance) {
  const task = chance.pick(TASKS);
  const tag = chance.pick(TAGS);
  const status = chance.pick(STATUSES);
  const created = START + number * 1000 + chance.below(1000);
  const job = {
    _id: `job-${String(number).padStart(32, "0")}`, task, tag, status,
    priority: chance.below(21) - 10, attempt: chance.below(4),
    created: new Date(created), data: data(chance), log: log(chance),
  };
  if (FINAL.has(status)) job.finished = new Date(created + chance.below(60_000));
  return job;
}

function data(chance) {
  const name = chance.pick(NAMES);
  const country = chance.pick(COUNTRIES);
  const address = `${name}${chance.below(1000)}@${chance.pick(DOMAINS)}`;
  const bytes = chance.below(1_000_000);
  const labels = Array.from({ length: chance.below(4) }, () => chance.pick(LABELS));
  return { to: { name, country, address }, bytes, labels };
}

function log(chance) {
  const line = () => ({ level: chance.pick(LEVELS), code: 100 + chance.below(500), message: "an attempt" });
  return Array.from({ length: 1 + chance.below(3) }, line);
}

// The generator of Park and Miller, whose products a number holds exactly.
class Chance {
  state = 1;

  below(bound) {
    this.state = (this.state * 48_271) % 2_147_483_647;
    return this.state % bound;
  }

  pick(from) {
    return from[this.below(from.length)];
  }
}
