import { ErrLockLost, ErrStorageUnavailable, hasCode } from '@nestjs-tus/core';
import { jest } from '@jest/globals';
import type { Connection } from './connection.js';
import { keysOf, type Lease, Leases } from './leases.js';
import { resolveOptions } from './options.js';
import { RENEW, type Script } from './scripts.js';

const LEASE_MS = 10_000;

interface Call {
  readonly script: Script;
  readonly keys: string[];
}

/** Leases on a Redis that answers as it is told. */
function leasesOn(answer: (call: Call) => unknown, isCluster = false) {
  const calls: Call[] = [];
  const connection = {
    isCluster,
    run: async (script: Script, keys: string[]) => {
      calls.push({ script, keys });
      return answer({ script, keys });
    },
  };
  const leases = new Leases(
    connection as unknown as Connection,
    resolveOptions({ leaseDuration: LEASE_MS }),
    'node',
    'tus:node:',
  );
  return { leases, calls };
}

const allRenewed = ({ keys }: Call) => Array.from({ length: keys.length / 2 }, () => 1);
const gone = () => {
  throw new Error('gone');
};

function lease(id: string) {
  const lost: unknown[] = [];
  const asked: unknown[] = [];
  const made: Lease = {
    id,
    nonce: `nonce-${id}`,
    since: performance.now(),
    ask: (reason) => void asked.push(reason),
    lose: (cause) => void lost.push(cause),
  };
  return { lease: made, lost, asked };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('Leases', () => {
  it('renew all that are due with one script, three times in a lease', async () => {
    const { leases, calls } = leasesOn(allRenewed);
    for (let number = 0; number < 50; number += 1) leases.add(lease(`upload-${number}`).lease);
    await jest.advanceTimersByTimeAsync(LEASE_MS);
    expect(calls.map(({ keys }) => keys.length)).toEqual([100, 100]);
    await jest.advanceTimersByTimeAsync(10 * LEASE_MS);
    expect(calls.length).toBeLessThanOrEqual(33);
    expect(calls.length).toBeGreaterThanOrEqual(22);
  });

  it('renew each with a script of its own in a cluster, where each has its slot', async () => {
    const { leases, calls } = leasesOn(allRenewed, true);
    for (const id of ['a', 'b', 'c']) leases.add(lease(id).lease);
    await jest.advanceTimersByTimeAsync(LEASE_MS / 2);
    expect(calls.map(({ keys }) => keys)).toEqual(['a', 'b', 'c'].map((id) => keysOf('tus', id).slice(0, 2)));
  });

  it('are lost when Redis has another holder, each by itself', async () => {
    const { leases } = leasesOn(({ keys }) =>
      keys.filter((_, index) => index % 2 === 0).map((key) => (key.includes('{b}') ? 0 : 1)),
    );
    const [a, b] = [lease('a'), lease('b')];
    leases.add(a.lease);
    leases.add(b.lease);
    await jest.advanceTimersByTimeAsync(LEASE_MS / 2);
    expect(a.lost).toEqual([]);
    expect(b.lost).toHaveLength(1);
    expect(hasCode(b.lost[0], ErrLockLost)).toBe(true);
  });

  it('ask their holders to let go when somebody wanted that, and the message was lost', async () => {
    const { leases, calls } = leasesOn(({ keys }) =>
      keys.filter((_, index) => index % 2 === 0).map((key) => (key.includes('{b}') ? 2 : 1)),
    );
    const [a, b] = [lease('a'), lease('b')];
    leases.add(a.lease);
    leases.add(b.lease);
    leases.renewAll();
    await jest.advanceTimersByTimeAsync(0);
    expect(calls).toHaveLength(1);
    expect(a.asked).toEqual([]);
    expect(b.asked).toEqual([undefined]);
    expect([...a.lost, ...b.lost]).toEqual([]);
  });

  it('ask their holders to commit when they cannot be renewed, well before they are over', async () => {
    const { leases } = leasesOn(gone);
    const { lease: held, asked, lost } = lease('upload');
    leases.add(held);
    await jest.advanceTimersByTimeAsync(LEASE_MS * 0.5);
    expect(asked).toEqual([]);
    await jest.advanceTimersByTimeAsync(LEASE_MS * 0.15);
    expect(hasCode(asked[0], ErrStorageUnavailable)).toBe(true);
    expect(lost).toEqual([]);
  });

  it('are given up before their end when they cannot be renewed, and not before there is need', async () => {
    const { leases, calls } = leasesOn(gone);
    const { lease: held, lost } = lease('upload');
    leases.add(held);
    await jest.advanceTimersByTimeAsync(LEASE_MS * 0.75);
    expect(lost).toEqual([]);
    expect(calls.length).toBeGreaterThan(1);
    await jest.advanceTimersByTimeAsync(LEASE_MS * 0.15);
    expect(lost).toHaveLength(1);
    await expect(leases.confirm(held)).resolves.toBe(false);
  });

  it('are over at the first tick after a pause of the process, whatever Redis would say', async () => {
    const { leases, calls } = leasesOn(allRenewed);
    const { lease: held, lost } = lease('upload');
    held.since -= LEASE_MS;
    leases.add(held);
    await jest.advanceTimersByTimeAsync(LEASE_MS / 10);
    expect(lost).toHaveLength(1);
    expect(calls).toEqual([]);
  });

  it('are confirmed by Redis, and no longer once the answer came too late', async () => {
    let pause = 0;
    const { leases } = leasesOn((call) => {
      jest.advanceTimersByTime(pause);
      return allRenewed(call);
    });
    const { lease: held } = lease('upload');
    leases.add(held);
    await expect(leases.confirm(held)).resolves.toBe(true);
    pause = LEASE_MS;
    await expect(leases.confirm(held)).resolves.toBe(false);
  });

  it('release again what Redis did not hear, until the lease is over anyway', async () => {
    let answers = false;
    const { leases, calls } = leasesOn(() => (answers ? 1 : gone()));
    await leases.release({ id: 'a', nonce: 'nonce-a' }, 'done');
    await jest.advanceTimersByTimeAsync(LEASE_MS / 2);
    expect(calls.length).toBeGreaterThan(3);
    answers = true;
    await jest.advanceTimersByTimeAsync(LEASE_MS / 5);
    const heard = calls.length;
    await jest.advanceTimersByTimeAsync(LEASE_MS);
    expect(calls).toHaveLength(heard);
    answers = false;
    await leases.release({ id: 'b', nonce: 'nonce-b' }, 'done');
    await jest.advanceTimersByTimeAsync(2 * LEASE_MS);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('keep no timer when nothing is held', async () => {
    const { leases, calls } = leasesOn(({ script, keys }) =>
      script === RENEW ? allRenewed({ script, keys }) : 1,
    );
    const { lease: held } = lease('upload');
    leases.add(held);
    await leases.release(held, 'done');
    await jest.advanceTimersByTimeAsync(LEASE_MS);
    expect(jest.getTimerCount()).toBe(0);
    expect(calls).toHaveLength(1);
  });
});
