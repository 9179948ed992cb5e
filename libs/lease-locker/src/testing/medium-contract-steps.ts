import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Claim, Durations, LeaseMedium, LeaseMessage, Renewal, Taken } from '../lease-medium.js';

/** What the contract suite runs on. The media are new: nothing has been called. What they share need not be empty. */
export interface MediaUnderTest {
  readonly medium: LeaseMedium;
  /** Another node, as another process has it. */
  readonly peer: LeaseMedium;
  /** Lets so many milliseconds pass for what they share: waits, or moves a fake clock. */
  pass(milliseconds: number): Promise<unknown>;
  /** Cuts the connections on which messages arrive, so that they are made anew. Absent: there are none. */
  cut?(): Promise<unknown>;
  dispose?(): Promise<void>;
}

type Body = (node: Node, peer: Node, media: MediaUnderTest) => Promise<void>;
/** Declares a test with two nodes that are open. */
export type Test = (behaviour: string, body: Body) => void;

/** Longer than a test. */
export const LONG: Durations = { leaseDuration: 60_000, rememberFor: 300_000 };
/** A lease that a test can outlive. */
export const SHORT: Durations = { leaseDuration: 50, rememberFor: 300_000 };

/** A medium that is opened, and what it has reported. */
export interface Node {
  readonly medium: LeaseMedium;
  /** What has arrived, in order, without what `hasHeardAll` sends. */
  readonly messages: readonly LeaseMessage[];
  /** Resolves when such a message arrives, or has arrived. */
  heard(message: LeaseMessage): Promise<void>;
  /** Resolves when what was sent to this node before has arrived, as far as messages keep their order. */
  hasHeardAll(): Promise<void>;
  /** Resolves when `onFresh` is called the next time. */
  becomesFresh(): Promise<void>;
}

/** Listens to a medium, from now on. */
export function nodeOf(medium: LeaseMedium): Node {
  const messages: LeaseMessage[] = [];
  const listeners = new Set<() => void>();
  let barriers = 0;
  let passedBarriers = 0;
  let timesFresh = 0;
  medium.listen({
    onMessage: (message) => {
      if (message.kind === 'echo' && message.count > BARRIER) passedBarriers = message.count - BARRIER;
      else messages.push(message);
      for (const listener of listeners) listener();
    },
    onFresh: () => {
      timesFresh += 1;
      for (const listener of listeners) listener();
    },
    onError: () => undefined,
  });
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!condition()) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
    });
  return {
    medium,
    messages,
    heard: (message) => {
      const text = JSON.stringify(message);
      return until(() => messages.some((each) => JSON.stringify(each) === text));
    },
    hasHeardAll: async () => {
      const count = ++barriers;
      await medium.send({ kind: 'echo', count: BARRIER + count });
      await until(() => passedBarriers >= count);
    },
    becomesFresh: () => {
      const before = timesFresh;
      return until(() => timesFresh > before);
    },
  };
}

/** Echoes above this number are those of `hasHeardAll`. */
const BARRIER = 1_000_000;

/** A new claim, on an id of its own or on `id`. */
export function claim(id = `upload-${randomBytes(8).toString('hex')}`): Claim {
  return { id, nonce: randomBytes(8).toString('hex') };
}

/** Takes a lock that is free. */
export async function took(node: Node, claimed: Claim, durations = LONG): Promise<Taken> {
  const answer = await node.medium.take(claimed, 'wait', durations);
  assert.ok('token' in answer, `the lock "${claimed.id}" is free`);
  assert.notEqual(answer.token, '');
  return answer;
}

/** Takes a lock, or returns `undefined` when it is leased. */
export async function taken(node: Node, claimed: Claim, mode: 'wait' | 'try'): Promise<Taken | undefined> {
  const answer = await node.medium.take(claimed, mode, LONG);
  return 'token' in answer ? answer : undefined;
}

/** Renews with as many calls as the medium asks for. */
export async function renewed(node: Node, claims: readonly Claim[]): Promise<Renewal[]> {
  const answers: Renewal[] = [];
  const size = node.medium.renewsAtOnce;
  for (let start = 0; start < claims.length; start += size) {
    answers.push(...(await node.medium.renew(claims.slice(start, start + size), LONG)));
  }
  return answers;
}
