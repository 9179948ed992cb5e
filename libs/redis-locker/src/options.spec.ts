import { StoreComposer } from '@nestjs-tus/core';
import { resolveOptions } from './options.js';
import { RedisLocker } from './redis-locker.js';

describe('the options of RedisLocker', () => {
  it('have defaults', () => {
    expect(resolveOptions({})).toEqual({
      prefix: 'tus',
      leaseDuration: 10_000,
      commandTimeout: 2_000,
      rememberFor: 86_400_000,
    });
  });

  it('fit the time for an answer to the lease', () => {
    expect(resolveOptions({ leaseDuration: 4_000 }).commandTimeout).toBe(1_000);
    expect(resolveOptions({ leaseDuration: 300 }).commandTimeout).toBe(150);
    expect(resolveOptions({ leaseDuration: 86_400_000 }).rememberFor).toBe(172_800_000);
  });

  it.each([
    [{ redisUrl: 'redis://localhost' }, /no option "redisUrl"; it has url, client/],
    [
      { url: 'redis://a', cluster: { rootNodes: [] } },
      /one of url, client, sentinel, cluster, not url and cluster/,
    ],
    [{ url: 'localhost:6379' }, /url must look like redis:/],
    [{ url: 6379 }, /url must look like redis:/],
    [{ url: 'http://localhost' }, /url must look like redis:/],
    [{ url: 'redis://localhost/uploads' }, /url must look like redis:/],
    [{ client: {} }, /client must come from createClient/],
    [{ client: null }, /client must come from createClient/],
    [{ prefix: '' }, /prefix must be a text without braces/],
    [{ prefix: '{tus}' }, /prefix must be a text without braces/],
    [{ leaseDuration: 299 }, /leaseDuration must be whole milliseconds from 300 to/],
    [{ leaseDuration: 1e12 }, /leaseDuration must be whole milliseconds/],
    [{ leaseDuration: '10s' }, /leaseDuration must be whole milliseconds/],
    [{ leaseDuration: 1000.5 }, /leaseDuration must be whole milliseconds/],
    [{ commandTimeout: 0 }, /commandTimeout must be whole milliseconds from 1 to/],
    [
      { leaseDuration: 3_000, commandTimeout: 1_501 },
      /commandTimeout must be whole milliseconds from 1 to 1500/,
    ],
    [{ rememberFor: 10_000 }, /rememberFor must be whole milliseconds from 10001 to/],
  ])('are refused: %j', (options, message) => {
    expect(() => new RedisLocker(options as object)).toThrow(TypeError);
    expect(() => new RedisLocker(options as object)).toThrow(message);
  });

  it('keep a password out of the text of an error', () => {
    expect(() => resolveOptions({ url: 'rediss//:secret@host' })).toThrow(/^((?!secret).)*$/);
  });
});

describe('RedisLocker', () => {
  it('becomes the locker of a composer', () => {
    const composer = new StoreComposer();
    const locker = new RedisLocker();
    locker.useIn(composer);
    expect(composer.locker).toBe(locker);
    expect(locker.spansProcesses).toBe(true);
  });

  it('refuses an empty id, which has no slot of its own in a cluster', () => {
    expect(() => new RedisLocker().newLock('')).toThrow(TypeError);
  });
});
