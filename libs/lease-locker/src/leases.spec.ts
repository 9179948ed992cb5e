import { ErrLockLost, ErrStorageUnavailable, hasCode } from '@nestjs-tus/core';
import { jest } from '@jest/globals';
import type { Claim, Renewal } from './lease-medium.js';
import { type Lease, Leases } from './leases.js';

const LEASE_MS = 10_000;

type Answer = (claims: readonly Claim[]) => readonly Renewal[];

/** Leases in a medium that answers each renewal with `answer`, and releases while `answer` does not throw. */
function leasesOn(answer: Answer, renewsAtOnce = 200) {
  const renewals: string[][] = [];
  const releases: string[] = [];
  const calls = {
    renew: async (claims: readonly Claim[]) => {
      renewals.push(claims.map(({ id }) => id));
      return answer(claims);
    },
    release: async ({ id }: Claim, use: string) => {
      releases.push(`${id} ${use}`);
      answer([]);
    },
  };
  const leases = new Leases({ name: 'Test', renewsAtOnce }, calls, { leaseDuration: LEASE_MS });
  return { leases, renewals, releases };
}

const allRenewed: Answer = (claims) => claims.map(() => 'renewed');
const gone: Answer = () => {
  throw new Error('gone');
};
/** Answers `answer` for the id `b`, and `renewed` for all others. */
const forB =
  (answer: Renewal): Answer =>
  (claims) =>
    claims.map(({ id }) => (id === 'b' ? answer : 'renewed'));

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
  it('renew all that are due with one call, three times in a lease', async () => {
    const { leases, renewals } = leasesOn(allRenewed);
    for (let number = 0; number < 50; number += 1) leases.add(lease(`upload-${number}`).lease);
    await jest.advanceTimersByTimeAsync(LEASE_MS);
    expect(renewals.map(({ length }) => length)).toEqual([50, 50]);
    await jest.advanceTimersByTimeAsync(10 * LEASE_MS);
    expect(renewals.length).toBeLessThanOrEqual(33);
    expect(renewals.length).toBeGreaterThanOrEqual(22);
  });

  it('renew no more with one call than the medium takes', async () => {
    const { leases, renewals } = leasesOn(allRenewed, 2);
    for (const id of ['a', 'b', 'c']) leases.add(lease(id).lease);
    await jest.advanceTimersByTimeAsync(LEASE_MS / 2);
    expect(renewals).toEqual([['a', 'b'], ['c']]);
  });

  it('are lost when the medium has another holder, each by itself', async () => {
    const { leases } = leasesOn(forB('lost'));
    const [a, b] = [lease('a'), lease('b')];
    leases.add(a.lease);
    leases.add(b.lease);
    await jest.advanceTimersByTimeAsync(LEASE_MS / 2);
    expect(a.lost).toEqual([]);
    expect(b.lost).toHaveLength(1);
    expect(hasCode(b.lost[0], ErrLockLost)).toBe(true);
  });

  it('ask their holders to let go when another node wanted that, and the message was lost', async () => {
    const { leases, renewals } = leasesOn(forB('wanted'));
    const [a, b] = [lease('a'), lease('b')];
    leases.add(a.lease);
    leases.add(b.lease);
    leases.renewAll();
    await jest.advanceTimersByTimeAsync(0);
    expect(renewals).toEqual([['a', 'b']]);
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
    const { leases, renewals } = leasesOn(gone);
    const { lease: held, lost } = lease('upload');
    leases.add(held);
    await jest.advanceTimersByTimeAsync(LEASE_MS * 0.75);
    expect(lost).toEqual([]);
    expect(renewals.length).toBeGreaterThan(1);
    await jest.advanceTimersByTimeAsync(LEASE_MS * 0.15);
    expect(lost).toHaveLength(1);
    await expect(leases.confirm(held)).resolves.toBe(false);
  });

  it('are over at the first tick after a pause of the process, whatever the medium would say', async () => {
    const { leases, renewals } = leasesOn(allRenewed);
    const { lease: held, lost } = lease('upload');
    held.since -= LEASE_MS;
    leases.add(held);
    await jest.advanceTimersByTimeAsync(LEASE_MS / 10);
    expect(lost).toHaveLength(1);
    expect(renewals).toEqual([]);
  });

  it('are confirmed by the medium, and no longer once the answer came too late', async () => {
    let pause = 0;
    const { leases } = leasesOn((claims) => {
      jest.advanceTimersByTime(pause);
      return allRenewed(claims);
    });
    const { lease: held } = lease('upload');
    leases.add(held);
    await expect(leases.confirm(held)).resolves.toBe(true);
    pause = LEASE_MS;
    await expect(leases.confirm(held)).resolves.toBe(false);
  });

  it('release again what the medium did not answer, until the lease is over anyway', async () => {
    let answers = false;
    const { leases, releases } = leasesOn((claims) => (answers ? allRenewed(claims) : gone(claims)));
    await leases.release({ id: 'a', nonce: 'nonce-a' }, 'done');
    await jest.advanceTimersByTimeAsync(LEASE_MS / 2);
    expect(releases.length).toBeGreaterThan(3);
    answers = true;
    await jest.advanceTimersByTimeAsync(LEASE_MS / 5);
    const heard = releases.length;
    await jest.advanceTimersByTimeAsync(LEASE_MS);
    expect(releases).toHaveLength(heard);
    expect(new Set(releases)).toEqual(new Set(['a done']));
    answers = false;
    await leases.release({ id: 'b', nonce: 'nonce-b' }, 'done');
    await jest.advanceTimersByTimeAsync(2 * LEASE_MS);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('release all as still in use when they are closed, and their holders learn it first', async () => {
    const { leases, releases } = leasesOn(allRenewed);
    const [a, b] = [lease('a'), lease('b')];
    leases.add(a.lease);
    leases.add(b.lease);
    const closing = leases.close();
    expect([...a.lost, ...b.lost]).toHaveLength(2);
    await closing;
    expect(releases).toEqual(['a working', 'b working']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('keep no timer when nothing is held', async () => {
    const { leases, renewals, releases } = leasesOn(allRenewed);
    const { lease: held } = lease('upload');
    leases.add(held);
    await leases.release(held, 'done');
    await jest.advanceTimersByTimeAsync(LEASE_MS);
    expect(jest.getTimerCount()).toBe(0);
    expect([renewals, releases]).toEqual([[], ['upload done']]);
  });
});
