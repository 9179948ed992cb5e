import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

/*
 * What a server needs in memory while many uploads come at once. Each is announced as 1 GiB, sends some of it and is terminated.
 *
 *   node bench/many-uploads.mjs --url http://127.0.0.1:8080/files/ --pid PID
 *        [--uploads 50] [--mib 24] [--kib-per-second 0: as fast as it goes]
 */
const MIB = 2 ** 20;
const PIECE = Buffer.alloc(64 * 1024, 'x');
const DECLARED = 1024 * MIB;
const SAMPLE_MS = 50;
const TUS = { 'Tus-Resumable': '1.0.0' };

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    pid: { type: 'string' },
    uploads: { type: 'string', default: '50' },
    mib: { type: 'string', default: '24' },
    'kib-per-second': { type: 'string', default: '0' },
  },
});
if (!values.url || !values.pid) throw new Error('--url and --pid of the server are needed');
const bytes = Number(values.mib) * MIB;
const bytesPerSecond = Number(values['kib-per-second']) * 1024;

const atRest = await residentMiB();
let most = atRest;
const sampling = setInterval(async () => (most = Math.max(most, await residentMiB())), SAMPLE_MS);
const began = performance.now();
await Promise.all(Array.from({ length: Number(values.uploads) }, sendSome));
clearInterval(sampling);
console.log(
  `${values.uploads} uploads, ${values.mib} MiB each in ${((performance.now() - began) / 1000).toFixed(1)} s: ` +
    `RSS ${atRest} MiB at rest, ${most} MiB at most`,
);

async function sendSome() {
  const created = await answerTo('POST', values.url, { 'Upload-Length': String(DECLARED) });
  const url = new URL(created.headers.location, values.url);
  const patch = request(url, {
    method: 'PATCH',
    agent: false,
    headers: {
      ...TUS,
      'Upload-Offset': '0',
      'Content-Type': 'application/offset+octet-stream',
      'Content-Length': String(bytes),
    },
  });
  const answered = new Promise((resolve, reject) => {
    patch.once('response', (answer) => resolve(answer.resume().statusCode)).once('error', reject);
  });
  const start = performance.now();
  for (let sent = 0; sent < bytes; sent += PIECE.length) {
    if (bytesPerSecond > 0) await pause(start + (sent / bytesPerSecond) * 1000 - performance.now());
    if (!patch.write(PIECE)) await new Promise((resolve) => patch.once('drain', resolve));
  }
  patch.end();
  const status = await answered;
  if (status !== 204) throw new Error(`PATCH answered ${status}`);
  await answerTo('DELETE', url, {});
}

function answerTo(method, url, headers) {
  return new Promise((resolve, reject) => {
    request(url, { method, agent: false, headers: { ...TUS, ...headers } }, (answer) =>
      resolve(answer.resume()),
    )
      .once('error', reject)
      .end();
  });
}

/** Linux: the memory of the server that is in RAM. */
async function residentMiB() {
  const status = await readFile(`/proc/${values.pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]) / 1024);
}
