/** What is measured: its title, how a median is written, and whether less or more is better. */
const COLUMNS = [
  { key: 'patchSeconds', title: (load) => `${load.patchBytes / 2 ** 20} MiB PATCH, s`, digits: 2 },
  { key: 'patchCpuSeconds', title: () => 'CPU s', digits: 2 },
  { key: 'smallRate', title: () => '1 KiB uploads/s', digits: 0 },
  { key: 'smallCpuMs', title: () => 'CPU ms each', digits: 2 },
  { key: 'headRate', title: () => 'HEAD/s', digits: 0 },
  { key: 'headCpuMs', title: () => 'CPU ms each', digits: 2 },
  { key: 'memory', title: () => 'peak RSS, MiB', digits: 0 },
];

/** Medians of a server's turns, by the names of what was measured. */
export function medians(turns) {
  return Object.fromEntries(COLUMNS.map(({ key }) => [key, median(turns.map((turn) => turn[key]))]));
}

/** A Markdown table of the medians. */
export function medianTable(rows, load) {
  return table(
    ['', ...COLUMNS.map(({ title }) => title(load))],
    rows.map(({ title, values }) => [
      title,
      ...COLUMNS.map(({ key, digits }) => values[key].toFixed(digits)),
    ]),
  );
}

/** A Markdown table of ours divided by theirs: 0.25 seconds is a quarter of the time, 4 uploads/s four times the rate. */
export function ratioTable(ours, others, load) {
  return table(
    [`${ours.title} ÷`, ...COLUMNS.map(({ title }) => title(load))],
    others.map(({ title, values }) => [
      title,
      ...COLUMNS.map(({ key }) => ratio(ours.values[key], values[key])),
    ]),
  );
}

function ratio(ours, theirs) {
  return theirs > 0 ? (ours / theirs).toFixed(2) : '–';
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function table(head, rows) {
  const widths = head.map((title, column) =>
    Math.max(...[head, ...rows].map((row) => row[column].length), 3),
  );
  const line = (cells) =>
    `| ${cells.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[0]))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
