import { MemoryLocker, type Lock, type Locker, type RequestRelease } from '@nestjs-tus/core';
import { FileStore } from '@nestjs-tus/file-store';
import { eventually } from '../harness/eventually.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { openPatch } from '../harness/open-patch.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import {
  create,
  createUpload,
  download,
  head,
  patch,
  storeUpload,
  terminate,
} from '../harness/tus-requests.js';

/** Milliseconds until an upload expires that says so: enough to open a request on it. */
const SOON_MS = 2_000;

/** What the reference asks of a locker, and nothing else. */
class PlainLocker implements Locker {
  private readonly locker = new MemoryLocker();

  newLock(id: string): Lock {
    const lock = this.locker.newLock(id);
    return {
      lock: (signal: AbortSignal, requestRelease: RequestRelease) => lock.lock(signal, requestRelease),
      unlock: () => lock.unlock(),
    };
  }
}

describe.each(['memory', 'file'])('a locker with lock and unlock only, and the %s store', (kind) => {
  let server: InProcessServer;
  const lines: string[] = [];
  beforeAll(async () => {
    const store = kind === 'file' ? { store: new FileStore({ directory: await temporaryFolder() }) } : {};
    const write = (text: string) => void lines.push(text);
    server = await startInProcess({
      ...store,
      locker: new PlainLocker(),
      logger: { log: write, warn: write, error: write },
      postFinishCallback: async ({ upload }) => void finished.push(upload.id),
      expiration: { after: 60_000, sweepInterval: 0 },
      preUploadCreateCallback: ({ upload }) =>
        'soon' in upload.metaData ? { changes: { expiresAt: new Date(Date.now() + SOON_MS) } } : undefined,
    });
  });
  const finished: string[] = [];

  it('serves an upload from its creation to its removal', async () => {
    const url = await createUpload(server.url, 10);
    expect((await patch(url, 0, 'hello')).status).toBe(204);
    expect((await head(url)).headers['upload-offset']).toBe('5');
    expect((await patch(url, 5, 'world')).status).toBe(204);
    expect((await download(url)).text).toBe('helloworld');
    await eventually('the hook is called', () => finished.some((id) => url.endsWith(id)));
    expect((await terminate(url)).status).toBe(204);
  });

  it('takes content with the creation', async () => {
    const headers = { 'Upload-Length': '5', 'Content-Type': 'application/offset+octet-stream' };
    expect((await create(server.url, headers, 'hello')).status).toBe(201);
  });

  it('makes a running request let go', async () => {
    const url = await createUpload(server.url, 10);
    const socket = await openPatch(url, { offset: 0, length: 10 });
    await socket.send('hello');
    await eventually('five bytes are there', async () => server.progress(url) >= 5);
    expect((await head(url)).headers['upload-offset']).toBe('5');
    expect((await socket.response()).status).toBe(400);
  });

  it('joins parts, also those that come later', async () => {
    const part = await storeUpload(server.url, 'one', { 'Upload-Concat': 'partial' });
    const late = await createUpload(server.url, 3, { 'Upload-Concat': 'partial' });
    const names = [part, late].map((url) => new URL(url).pathname).join(' ');
    const final = await create(server.url, { 'Upload-Concat': `final;${names}` });
    expect(final.status).toBe(201);
    expect((await patch(late, 0, 'two')).status).toBe(204);
    const url = new URL(final.headers.location ?? '', server.url).href;
    await eventually('it is joined', async () => (await download(url)).text === 'onetwo');
  });

  it('sweeps what has expired, and leaves alone what this process is receiving', async () => {
    const soon = { 'Upload-Metadata': 'soon' };
    const running = await createUpload(server.url, 10, soon);
    const socket = await openPatch(running, { offset: 0, length: 10 });
    await socket.send('hello');
    await eventually('five bytes are there', async () => server.progress(running) >= 5);
    const old = await createUpload(server.url, 10, soon);
    await eventually('the old one is removed', async () => (await server.handler.sweep()) === 1);
    expect([404, 410]).toContain((await head(old)).status);
    await socket.send('world');
    expect((await socket.response()).status).toBe(204);
  });

  it('is said at the start', () => {
    expect(lines).toContainEqual(expect.stringMatching(/^the locker has no tryLock: /));
  });
});
