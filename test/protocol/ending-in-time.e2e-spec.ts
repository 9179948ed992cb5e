import { setTimeout as pause } from 'node:timers/promises';
import {
  MemoryLocker,
  MemoryStore,
  type FileInfo,
  type Locker,
  type StoreContext,
  type Upload,
} from '@nestjs-tus/core';
import { eventually, within } from '../harness/eventually.js';
import { startInProcess } from '../harness/in-process-server.js';
import { openPatch } from '../harness/open-patch.js';
import { RawSocket } from '../harness/raw-socket.js';
import { createUpload, head, offsetOf, patch } from '../harness/tus-requests.js';

const GRACE_MS = 200;
/** Generous: a shutdown that waits for what does not end never comes to it. */
const SOON_MS = 5_000;
const never = () => new Promise<never>(() => undefined);

/** A memory store one of whose calls never ends, from when the test says so. It ignores `StoreContext.signal`. */
class HangingStore extends MemoryStore {
  hangs: 'getUpload' | 'writeChunk' | 'newUpload' | 'finishUpload' | undefined;
  signal: AbortSignal | undefined;
  calls = 0;
  seized: unknown[] = [];

  override async newUpload(info: FileInfo, context: StoreContext): Promise<Upload> {
    if (this.hangs === 'newUpload') return this.hang(context);
    return this.watched(await super.newUpload(info, context));
  }

  override async getUpload(id: string, context: StoreContext): Promise<Upload> {
    if (context.lock) this.seized.push(context.lock.seized);
    if (this.hangs === 'getUpload') return this.hang(context);
    return this.watched(await super.getUpload(id, context));
  }

  private watched(upload: Upload): Upload {
    const { hangs } = this;
    if (hangs === 'writeChunk') {
      upload.writeChunk = (_offset, source, context) => {
        source.resume();
        return this.hang(context);
      };
    }
    if (hangs === 'finishUpload') upload.finishUpload = (context) => this.hang(context);
    return upload;
  }

  private hang({ signal }: StoreContext): Promise<never> {
    this.signal = signal;
    this.calls += 1;
    return never();
  }
}

async function hanging(options: object = {}) {
  const store = new HangingStore();
  const server = await startInProcess({
    store,
    gracefulRequestCompletionTimeout: GRACE_MS,
    acquireLockTimeout: 2_000,
    ...options,
  });
  return { store, server };
}

describe('a request whose store never ends', () => {
  it.each(['writeChunk', 'getUpload', 'finishUpload'] as const)(
    'ends some time after its client is gone, and gives its lock back (%s)',
    async (call) => {
      const { store, server } = await hanging();
      const url = await createUpload(server.url, 5);
      store.hangs = call;
      const socket = await openPatch(url, { offset: 0, length: 5 });
      await socket.send('hello');
      await eventually('the store is called', () => store.calls > 0);
      expect(store.signal?.aborted ?? false).toBe(false);
      socket.reset();
      await eventually('the request is over', () => server.handler.metrics.requestsInFlight === 0);
      if (call !== 'getUpload') expect(store.signal?.aborted).toBe(true);
      store.hangs = undefined;
      expect((await head(url)).status).toBe(200);
      const about = server.complaints.filter((text) => text.includes('ERR_OPERATION_ABANDONED'));
      expect(about).toHaveLength(1);
    },
  );

  it('leaves a lock that the next request takes as one that was seized, until the call has ended', async () => {
    const { store, server } = await hanging();
    const url = await createUpload(server.url, 5);
    store.hangs = 'writeChunk';
    const socket = await openPatch(url, { offset: 0, length: 5 });
    await eventually('the store is called', () => store.calls > 0);
    socket.reset();
    await eventually('the request is over', () => server.handler.metrics.requestsInFlight === 0);
    store.hangs = undefined;
    store.seized = [];
    await head(url);
    expect(store.seized).toContain(true);
  });

  it('is answered while its client is there, whenever the store ends', async () => {
    const { server } = await hanging({ store: new MemoryStore() });
    const url = await createUpload(server.url, 5);
    const socket = await openPatch(url, { offset: 0, length: 5 });
    await pause(3 * GRACE_MS);
    await socket.send('hello');
    expect((await socket.response()).status).toBe(204);
  });
});

describe('shutdown', () => {
  it.each(['getUpload', 'writeChunk', 'newUpload', 'finishUpload'] as const)(
    'does not wait for a store that never ends (%s)',
    async (call) => {
      const { store, server } = await hanging();
      const url = await createUpload(server.url, 5);
      store.hangs = call;
      const { port, pathname } = new URL(url);
      if (call === 'newUpload') {
        const socket = await RawSocket.connect(Number(port));
        await socket.sendHead('POST', '/files/', { 'Tus-Resumable': '1.0.0', 'Upload-Length': '5' });
      } else {
        const socket = await openPatch(`http://127.0.0.1:${port}${pathname}`, { offset: 0, length: 5 });
        await socket.send('hello');
      }
      await eventually('the store is called', () => store.calls > 0);
      await within('the shutdown', server.handler.shutdown(), SOON_MS);
    },
  );

  it.each([
    'preUploadCreateCallback',
    'preFinishResponseCallback',
    'preUploadTerminateCallback',
    'postFinishCallback',
  ])('does not wait for a hook that never ends (%s)', async (hook) => {
    let calls = 0;
    const server = await startInProcess({
      gracefulRequestCompletionTimeout: GRACE_MS,
      [hook]: () => {
        calls += 1;
        return never();
      },
    });
    const isFirst = hook === 'preUploadCreateCallback';
    if (isFirst) void createUpload(server.url, 5).catch(() => undefined);
    else {
      const url = await createUpload(server.url, 5);
      if (hook === 'preUploadTerminateCallback') {
        const socket = await RawSocket.connect(server.port);
        await socket.sendHead('DELETE', new URL(url).pathname, { 'Tus-Resumable': '1.0.0' });
      } else void patch(url, 0, 'hello').catch(() => undefined);
    }
    await eventually('the hook is asked', () => calls > 0);
    await within('the shutdown', server.handler.shutdown(), SOON_MS);
  });

  it('ends a sweep after the upload that it is at', async () => {
    const store = new MemoryStore();
    let removed = 0;
    const terminatable = store.asTerminatableUpload.bind(store);
    store.asTerminatableUpload = (upload) => ({
      terminate: async (context) => {
        await pause(20);
        removed += 1;
        await terminatable(upload).terminate(context);
      },
    });
    const server = await startInProcess({
      store,
      gracefulRequestCompletionTimeout: GRACE_MS,
      expiration: { after: 1, sweepInterval: 0 },
    });
    for (let count = 0; count < 200; count += 1) await createUpload(server.url, 5);
    void server.handler.sweep();
    await eventually('the sweep runs', () => removed > 0);
    await within('the shutdown', server.handler.shutdown(), SOON_MS);
    expect(removed).toBeLessThan(150);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('the locker is broken'))],
    [
      'throws',
      () => {
        throw new Error('the locker is broken');
      },
    ],
    ['never ends', never],
  ])('closes the store once, also when closing the locker %s', async (_, close) => {
    let closedStores = 0;
    const store = Object.assign(new MemoryStore(), {
      close: async () => void (closedStores += 1),
    });
    const locker: Locker = Object.assign(new MemoryLocker(), { close: close });
    const server = await startInProcess({ store, locker, gracefulRequestCompletionTimeout: GRACE_MS });
    await within('the shutdown', server.handler.shutdown(), SOON_MS);
    await within('another shutdown', server.handler.shutdown(), SOON_MS);
    expect(closedStores).toBe(1);
    expect(server.complaints.filter((text) => text.includes('closing the locker failed'))).toHaveLength(1);
  });

  it('closes the locker also when closing the store fails', async () => {
    let closedLockers = 0;
    const store = Object.assign(new MemoryStore(), {
      close: () => Promise.reject(new Error('the store is broken')),
    });
    const locker: Locker = Object.assign(new MemoryLocker(), {
      close: async () => void (closedLockers += 1),
    });
    const server = await startInProcess({ store, locker, gracefulRequestCompletionTimeout: GRACE_MS });
    await server.handler.shutdown();
    expect(closedLockers).toBe(1);
  });
});

describe('requests that wait for one upload', () => {
  it('are at most 64, and more are 423 with Retry-After at once', async () => {
    const locker = new MemoryLocker();
    const server = await startInProcess({ locker, acquireLockTimeout: 30_000 });
    const url = await createUpload(server.url, 5);
    const id = url.split('/').at(-1) ?? '';
    const holder = locker.newLock(id);
    await holder.lock(new AbortController().signal, () => undefined);
    const waiting = await Promise.all(
      Array.from({ length: 64 }, () => openPatch(url, { offset: 0, length: 5 })),
    );
    await eventually('all wait', () => server.handler.metrics.requestsInFlight === 64);
    const refused = await patch(url, 0, 'hello');
    expect([refused.status, refused.headers['retry-after']]).toEqual([423, expect.stringMatching(/^\d+$/)]);
    expect(refused.text).toMatch(/^ERR_UPLOAD_LOCKED: /);
    const looking = head(url);
    waiting.forEach((socket) => socket.reset());
    await eventually('they have left', () => server.handler.metrics.requestsInFlight <= 1);
    await holder.unlock();
    expect((await looking).status).toBe(200);
    expect((await patch(url, await offsetOf(url), 'hello')).status).toBe(204);
  });
});
