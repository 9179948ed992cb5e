import { resolveOptions, type RedisConnection } from './options.js';
import { RedisMedium } from './redis-medium.js';
import { RELEASE, RENEW, TAKE, type Script } from './scripts.js';

const DURATIONS = { leaseDuration: 10_000, rememberFor: 60_000 };

interface Call {
  readonly script: Script | undefined;
  readonly keys: string[];
  readonly arguments: string[];
}

/** A medium on a client that answers each script with `answer`. */
function mediumOn(answer: (call: Call) => unknown, kind: 'single' | 'cluster' = 'single') {
  const calls: Call[] = [];
  const client: RedisConnection = {
    isOpen: true,
    connect: async () => undefined,
    evalSha: async (sha, parameters) => {
      const script = [TAKE, RENEW, RELEASE].find((each) => each.sha === sha);
      const call = { script, ...parameters };
      calls.push(call);
      return answer(call);
    },
    eval: async () => undefined,
    publish: async () => undefined,
    subscribe: () => undefined,
    unsubscribe: () => undefined,
    duplicate: () => client,
    destroy: () => undefined,
    on: () => undefined,
    off: () => undefined,
    ...(kind === 'cluster' ? { masters: [] } : {}),
  };
  return { medium: new RedisMedium(resolveOptions({ client })), calls };
}

describe('RedisMedium', () => {
  it('keeps all keys of an id in one slot of a cluster, whatever the id', async () => {
    const { medium, calls } = mediumOn(() => [0, 5]);
    await medium.take({ id: 'a}{b ü', nonce: 'n' }, 'try', DURATIONS);
    await medium.release({ id: 'a}{b ü', nonce: 'n' }, 'done', DURATIONS);
    const tag = '{a%7D%7Bb%20%C3%BC}';
    for (const { keys } of calls) {
      expect(keys).toEqual([`tus:lock:${tag}`, `tus:last:${tag}`, `tus:waiting:${tag}`]);
    }
    await medium.close();
  });

  it('renews many leases with one script, and each with its own in a cluster', async () => {
    const { medium, calls } = mediumOn(() => [1, 2, 0]);
    const claims = ['a', 'b', 'c'].map((id) => ({ id, nonce: `nonce-${id}` }));
    expect(medium.renewsAtOnce).toBe(200);
    expect(await medium.renew(claims, DURATIONS)).toEqual(['renewed', 'wanted', 'lost']);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.keys).toEqual(['a', 'b', 'c'].flatMap((id) => [`tus:lock:{${id}}`, `tus:last:{${id}}`]));
    expect(mediumOn(() => [], 'cluster').medium).toMatchObject({ renewsAtOnce: 1, hasParts: true });
    await medium.close();
  });

  it('says which token its next one has to exceed', async () => {
    const answers = [
      [1, '0000000000000007-n', '', '1'],
      [1, '0000000000000005-n', '0000000000000004-x', ''],
      [0, 17],
    ];
    const { medium, calls } = mediumOn(() => answers.shift());
    const take = (id: string) => medium.take({ id, nonce: 'n' }, 'wait', DURATIONS);
    expect(await take('a')).toEqual({ token: '0000000000000007-n', previousToken: undefined, seized: true });
    expect(await take('b')).toEqual({
      token: '0000000000000005-n',
      previousToken: '0000000000000004-x',
      seized: false,
    });
    expect(await take('c')).toEqual({ leasedFor: 17 });
    expect(calls.map((call) => call.arguments[4])).toEqual(['0', '7', '7']);
    await medium.close();
  });
});
