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
    [{ redisUrl: 'redis://localhost' }, /RedisLocker: redisUrl is unknown: write one of url, client/],
    [
      { url: 'redis://a', cluster: { rootNodes: [] } },
      /there are url and cluster: write one of url, client, sentinel, cluster/,
    ],
    [{ url: 'localhost:6379' }, /url is not what it must be: write a URL such as redis:/],
    [{ url: 6379 }, /url is not what it must be: write a URL such as redis:/],
    [{ url: 'http://localhost' }, /url is not what it must be: write a URL such as redis:/],
    [{ url: 'redis://localhost/uploads' }, /url is not what it must be: write a URL such as redis:/],
    [{ client: {} }, /client is .*: write a client from createClient/],
    [{ client: null }, /client is .*: write a client from createClient/],
    [null, /the options are null: write new RedisLocker/],
    [{ cluster: {} }, /cluster is an object: write node-redis' options for createCluster/],
    [{ sentinel: { name: 'tus' } }, /sentinel is an object: write node-redis' options/],
    [{ logger: console.log }, /logger is a function or class: write an object with the methods warn and log/],
    [{ leaseTime: 5 }, /leaseTime is unknown: write /],
    [{ prefix: '' }, /prefix is .*: write text without braces/],
    [{ prefix: '{tus}' }, /prefix is .*: write text without braces/],
    [{ leaseDuration: 299 }, /leaseDuration is .*: write a whole number of milliseconds from 300 to/],
    [{ leaseDuration: 1e12 }, /leaseDuration is .*: write a whole number of milliseconds/],
    [{ leaseDuration: '10s' }, /leaseDuration is .*: write a whole number of milliseconds/],
    [{ leaseDuration: 1000.5 }, /leaseDuration is .*: write a whole number of milliseconds/],
    [{ commandTimeout: 0 }, /commandTimeout is .*: write a whole number of milliseconds from 1 to/],
    [
      { leaseDuration: 3_000, commandTimeout: 1_501 },
      /commandTimeout is .*: write a whole number of milliseconds from 1 to 1500/,
    ],
    [{ rememberFor: 10_000 }, /rememberFor is .*: write a whole number of milliseconds from 10001 to/],
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
