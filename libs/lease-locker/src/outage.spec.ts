import { jest } from '@jest/globals';
import { NotDone } from './lease-medium.js';
import { Outage } from './outage.js';

function outageOf(hasParts = false) {
  const lines: string[] = [];
  const logger = {
    warn: (line: string) => void lines.push(line),
    log: (line: string) => void lines.push(line),
  };
  return { lines, outage: new Outage({ name: 'Memory', hasParts }, { name: 'TestLocker', logger }) };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('Outage', () => {
  it('is logged once when it begins, and once when it is over', () => {
    const { lines, outage } = outageOf();
    outage.end();
    outage.begin(new Error('connect ECONNREFUSED'));
    outage.begin(new Error('another'));
    jest.advanceTimersByTime(1_500);
    outage.end();
    outage.end();
    expect(lines).toEqual([
      'TestLocker: Memory does not answer; uploads are refused until it does (connect ECONNREFUSED)',
      'TestLocker: Memory answers again after 1.5 s',
    ]);
    outage.begin(new NotDone(new Error('not sent')));
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatch(/does not answer.*\(not sent\)/);
  });

  it('is logged once for each kind of refusal', () => {
    const { lines, outage } = outageOf();
    for (const refusal of [undefined, 'NOPERM', 'NOPERM', 'OOM', undefined, 'OOM']) {
      outage.begin(new NotDone(new Error(`${refusal} text`), refusal));
    }
    expect(lines.map((line) => /Memory (\w+ \w+).*\((\w+) text\)/.exec(line)?.slice(1))).toEqual([
      ['does not', 'undefined'],
      ['refuses commands', 'NOPERM'],
      ['refuses commands', 'OOM'],
    ]);
  });

  it('of a medium with parts is over when no call has failed for a while: one part may answer while another is gone', () => {
    const { lines, outage } = outageOf(true);
    outage.begin(new Error('gone'));
    jest.advanceTimersByTime(9_000);
    outage.end();
    expect(lines).toHaveLength(1);
    outage.begin(new Error('gone'));
    jest.advanceTimersByTime(9_000);
    outage.end();
    expect(lines).toHaveLength(1);
    jest.advanceTimersByTime(1_000);
    outage.end();
    expect(lines[1]).toMatch(/answers again after 19.0 s/);
  });

  it('names the errors of several attempts', () => {
    const { lines, outage } = outageOf();
    outage.begin(new NotDone(new AggregateError([new Error('by IPv6'), new TypeError()])));
    expect(lines[0]).toMatch(/\(by IPv6; TypeError\)$/);
  });
});
