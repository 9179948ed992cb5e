import { jest } from '@jest/globals';
import { errors } from '@nestjs-tus/core';
import type { LeaseMessage } from './lease-medium.js';
import { MessageCheck } from './message-check.js';
import { MemoryLeases } from './testing/index.js';

const LEASE_MS = 20_000;
const BETWEEN_MS = 5_000;
const ANSWER_MS = 2_000;

/** A check on a medium whose messages come back while `arrive` is true, and are taken while `isSent` is. */
function checkOn(leaseDuration = LEASE_MS) {
  const medium = new MemoryLeases().node();
  const lines: string[] = [];
  const logger = {
    warn: (line: string) => void lines.push(line),
    log: (line: string) => void lines.push(line),
  };
  const state = { arrive: true, isSent: true, sent: 0 };
  const send = async (message: LeaseMessage) => {
    state.sent += 1;
    if (!state.isSent) throw errors.storageUnavailable(new Error('gone'));
    if (state.arrive && message.kind === 'echo') check.arrived(message.count);
  };
  const options = {
    name: 'TestLocker',
    leaseDuration,
    commandTimeout: ANSWER_MS,
    rememberFor: 60_000,
    logger,
  };
  const check: MessageCheck = new MessageCheck(medium, { send }, options);
  return { check, medium, lines, state };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('MessageCheck', () => {
  it('sends nothing before it is started, then a message every five seconds', async () => {
    const { check, state, medium, lines } = checkOn();
    await jest.advanceTimersByTimeAsync(LEASE_MS);
    expect(state.sent).toBe(0);
    check.start();
    check.start();
    await jest.advanceTimersByTimeAsync(4 * BETWEEN_MS);
    expect(state.sent).toBe(4);
    expect([medium.missedMessages, ...lines]).toEqual([0]);
    check.stop();
    check.start();
    await jest.advanceTimersByTimeAsync(4 * BETWEEN_MS);
    expect(state.sent).toBe(4);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('sends one every half of a lease that is shorter', async () => {
    const { check, state } = checkOn(1_000);
    check.start();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(state.sent).toBe(2);
    check.stop();
  });

  it('reports each message that does not arrive to the medium, and logs the first one and the end', async () => {
    const { check, state, medium, lines } = checkOn();
    check.start();
    state.arrive = false;
    await jest.advanceTimersByTimeAsync(2 * (BETWEEN_MS + ANSWER_MS));
    expect(medium.missedMessages).toBe(2);
    state.arrive = true;
    await jest.advanceTimersByTimeAsync(2 * BETWEEN_MS);
    check.stop();
    expect(medium.missedMessages).toBe(2);
    expect(lines).toEqual([
      'TestLocker: Memory delivers no messages; until it does, a lock may be handed over late',
      'TestLocker: Memory delivers messages again',
    ]);
  });

  it('takes a late message for none, and the next one for itself only', async () => {
    const { check, state, medium } = checkOn();
    check.start();
    state.arrive = false;
    await jest.advanceTimersByTimeAsync(BETWEEN_MS);
    check.arrived(0);
    await jest.advanceTimersByTimeAsync(ANSWER_MS);
    expect(medium.missedMessages).toBe(1);
    check.arrived(1);
    await jest.advanceTimersByTimeAsync(BETWEEN_MS);
    check.arrived(1);
    await jest.advanceTimersByTimeAsync(ANSWER_MS);
    expect(medium.missedMessages).toBe(2);
    check.stop();
  });

  it('says nothing of a message that it waits for when it is stopped', async () => {
    const { check, state, medium, lines } = checkOn();
    state.arrive = false;
    check.start();
    await jest.advanceTimersByTimeAsync(BETWEEN_MS);
    expect(state.sent).toBe(1);
    check.stop();
    await jest.advanceTimersByTimeAsync(0);
    expect(jest.getTimerCount()).toBe(0);
    await jest.advanceTimersByTimeAsync(ANSWER_MS);
    expect([medium.missedMessages, ...lines]).toEqual([0]);
  });

  it('says nothing of messages that could not be sent: that is an outage, which is logged as one', async () => {
    const { check, state, medium, lines } = checkOn();
    state.isSent = false;
    check.start();
    await jest.advanceTimersByTimeAsync(3 * BETWEEN_MS);
    expect(state.sent).toBe(3);
    expect([medium.missedMessages, ...lines]).toEqual([0]);
    check.stop();
  });
});
