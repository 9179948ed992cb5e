/**
 * Counts the way of one request through the code: files, functions, and moves from one file to another.
 *
 *   npm run build && node scripts/walk.mjs [--steps]
 *
 * Requests go over a socket to `@nestjs-tus/core` with FileStore and MemoryLocker. A loader hook adds a call to the beginning of each
 * function of the libs; a move is a function that begins in another file than the function before it. `--steps` prints each of them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

register(new URL('./walk-hooks.mjs', import.meta.url));

const steps = [];
let isRecording = false;
globalThis.__walk = (file, name) => {
  if (isRecording) steps.push([file, name]);
};

const { StoreComposer, MemoryLocker, TusHandler } = await import('@nestjs-tus/core');
const { FileStore } = await import('@nestjs-tus/file-store');

const directory = await mkdtemp(join(tmpdir(), 'walk-'));
const handler = new TusHandler({
  storeComposer: StoreComposer.of(new FileStore({ directory }), new MemoryLocker()),
  enableExperimentalProtocol: true,
  basePath: '/files/',
});
await handler.init();
const server = createServer((req, res) => void handler.handle(req, res));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address();

const TUS = { 'Tus-Resumable': '1.0.0' };
const CHUNK = { ...TUS, 'Content-Type': 'application/offset+octet-stream' };

try {
  await walk('creation', () => create({ 'Upload-Length': '10' }));
  const upload = await create({ 'Upload-Length': '10' });
  await walk('PATCH that finishes an upload', () =>
    send('PATCH', upload, { ...CHUNK, 'Upload-Offset': '0' }, 'x'.repeat(10)),
  );
  await walk('HEAD', () => send('HEAD', upload, TUS));
  await walk('GET', () => send('GET', upload, {}));
  await walk('creation with its content in the draft, interop 9', () =>
    send('POST', '/files/', { 'Upload-Draft-Interop-Version': '9', 'Upload-Complete': '?1' }, 'x'.repeat(10)),
  );
  const partials = [
    await create({ 'Upload-Length': '5', 'Upload-Concat': 'partial' }),
    await create({ 'Upload-Length': '5', 'Upload-Concat': 'partial' }),
  ];
  await walk('final of two unfinished partials, until it is joined', async () => {
    await create({ 'Upload-Concat': `final;${partials.join(' ')}` });
    for (const partial of partials)
      await send('PATCH', partial, { ...CHUNK, 'Upload-Offset': '0' }, 'x'.repeat(5));
  });
  await walk('DELETE', () => send('DELETE', upload, TUS));
} finally {
  await handler.shutdown();
  server.close();
  server.closeAllConnections();
  await rm(directory, { recursive: true });
}

async function walk(name, work) {
  steps.length = 0;
  isRecording = true;
  await work();
  isRecording = false;
  const files = new Set(steps.map(([file]) => file));
  const functions = new Set(steps.map(([file, fn]) => `${file} ${fn}`));
  const moves = steps.filter(([file], index) => index > 0 && file !== steps[index - 1][0]).length;
  console.log(`${name}: ${files.size} files, ${functions.size} functions, ${moves} moves`);
  if (process.argv.includes('--steps')) for (const [file, fn] of steps) console.log(`    ${file}  ${fn}`);
}

async function create(headers) {
  const { headers: answer } = await send('POST', '/files/', { ...TUS, ...headers });
  return new URL(answer.location).pathname;
}

function send(method, path, headers, body = '') {
  return new Promise((resolve, reject) => {
    const length = body === '' ? {} : { 'Content-Length': body.length };
    const req = request(
      { host: '127.0.0.1', port, method, path, headers: { ...headers, ...length } },
      (res) => {
        res.resume();
        res.on('end', () => {
          if (res.statusCode < 300) resolve(res);
          else reject(new Error(`${method} ${path}: ${res.statusCode}`));
        });
      },
    );
    req.on('error', reject);
    req.end(body);
  });
}
