// The peer of the reports: DuckDB in this process, by lines of JSON on standard input, one answer a line.
//
//   node duckdb.mjs DATABASE THREADS MEMORY       DATABASE: ":memory:" or a file that is made
//   {"do": "load", "orders": CSV, "refunds": CSV} {"rows": …}     appended, in the order in which they come
//   {"do": "settle"}                              {"bytes": …}    nothing more is loaded
//   {"do": "report", "name", "wording", "scope"}  {"ms": …, "sections": {NAME: {"row_count": …, "rows": […]}}}
//   {"do": "wordings"}                            {"wordings": {NAME: […]}}
//
// Timed is what DuckDB does until each result stands in its memory; reading rows into JavaScript is not.
import readline from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';
import { reports } from './reports.mjs';

const ROWS_SHOWN = 1000;
const [database, threads, memory] = process.argv.slice(2);
const instance = await DuckDBInstance.create(database, { threads, memory_limit: memory });
const connection = await instance.connect();
await connection.run(`CREATE TABLE orders (customer INTEGER, day INTEGER, month SMALLINT, amount INTEGER, whole INTEGER,
  channel TINYINT, product SMALLINT, top_line INTEGER)`);
await connection.run('CREATE TABLE refund (customer INTEGER, day INTEGER, month SMALLINT, amount INTEGER, channel TINYINT)');

async function shown(result) {
  const rows = [];
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0 || rows.length >= ROWS_SHOWN) break;
    rows.push(...chunk.getRows());
  }
  return { row_count: result.rowCount, rows: rows.slice(0, ROWS_SHOWN) };
}

async function report({ name, wording, scope }) {
  const { steps, sections } = reports[name][wording](scope);
  const results = {};
  const started = process.hrtime.bigint();
  for (const step of steps) await connection.run(step);
  for (const [section, sql] of Object.entries(sections)) results[section] = await connection.run(sql);
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  const answer = { ms, sections: {} };
  for (const [section, result] of Object.entries(results)) answer.sections[section] = await shown(result);
  return answer;
}

async function load({ orders, refunds }) {
  await connection.run(`COPY orders FROM '${orders}' (HEADER true)`);
  await connection.run(`COPY refund FROM '${refunds}' (HEADER true)`);
  return {};
}

const doing = {
  load,
  report,
  settle: async () => {
    await connection.run('CHECKPOINT');
    return {};
  },
  wordings: async () => ({
    wordings: Object.fromEntries(Object.entries(reports).map(([name, of]) => [name, Object.keys(of)])),
  }),
};

// Whole numbers stay whole: beyond 2^53 they go as text.
function plain(key, value) {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value && typeof value === 'object' && 'scale' in value && 'value' in value) return Number(value.value) / 10 ** value.scale;
  return value;
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  let answer;
  try {
    answer = await doing[task.do](task);
  } catch (error) {
    answer = { error: `${error.message} in ${JSON.stringify(task)}` };
  }
  process.stdout.write(`${JSON.stringify(answer, plain)}\n`);
}
