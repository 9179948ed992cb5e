import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { MemoryLocker, type Lock, type Locker } from '@nestjs-tus/core';
import { within } from '../harness/eventually.js';
import { startInProcess } from '../harness/in-process-server.js';
import { idOf } from '../harness/open-patch.js';
import { RawSocket } from '../harness/raw-socket.js';
import { createUpload } from '../harness/tus-requests.js';

const WAIT_MS = 60_000;

/** The memory locker behind a network: what a request asks first takes a while, here until the test says so. */
class DistantLocker implements Locker {
  readonly near = new MemoryLocker();
  private answer: () => void = () => undefined;
  private readonly answered = new Promise<void>((resolve) => (this.answer = resolve));
  private whenAsked: () => void = () => undefined;
  readonly asked = new Promise<void>((resolve) => (this.whenAsked = resolve));

  newLock(id: string): Lock {
    const lock = this.near.newLock(id);
    const tryLock = lock.tryLock.bind(lock);
    return Object.assign(lock, {
      tryLock: async (requestRelease?: () => void) => {
        this.whenAsked();
        await this.answered;
        return tryLock(requestRelease);
      },
    });
  }

  letAnswer(): void {
    this.answer();
  }
}

/** A HEAD that asks for a lock which somebody else holds. */
async function asking() {
  const locker = new DistantLocker();
  const server = await startInProcess({ locker, acquireLockTimeout: WAIT_MS });
  const url = await createUpload(server.url, 10);
  let interruptions = 0;
  const holder = locker.near.newLock(idOf(url));
  await holder.lock(new AbortController().signal, () => interruptions++);
  const socket = await RawSocket.connect(server.port);
  const request = once(server.http, 'request') as Promise<[unknown, ServerResponse]>;
  await socket.sendHead('HEAD', new URL(url).pathname, { 'Tus-Resumable': '1.0.0' });
  await within('the locker is asked', locker.asked);
  const [, response] = await request;
  return { locker, server, socket, response, holder, interruptions: () => interruptions };
}

describe('a request that is told that the lock is taken', () => {
  it('interrupts nobody when its client has left meanwhile', async () => {
    const { locker, server, socket, response, holder, interruptions } = await asking();
    const gone = once(response, 'close');
    socket.reset();
    await gone;
    locker.letAnswer();
    await within(
      'nothing runs any more',
      (async () => {
        while (server.handler.metrics.requestsInFlight > 0) await new Promise(setImmediate);
      })(),
    );
    expect(interruptions()).toBe(0);
    await holder.unlock();
  });

  it('does not wait for it when the server has begun to shut down meanwhile', async () => {
    const { locker, server, socket, holder, interruptions } = await asking();
    const closed = server.handler.shutdown();
    locker.letAnswer();
    // HEAD of tus says every 5xx as 423.
    expect((await socket.response('HEAD')).status).toBe(423);
    await within('the handler is shut down', closed);
    expect(interruptions()).toBe(0);
    await holder.unlock();
  });
});
