import { MemoryStore } from './store/memory-store.js';
import { StoreComposer } from './store/store-composer.js';
import { DEFAULT_CORS_CONFIG, resolveConfig } from './resolve-config.js';

const storeComposer = StoreComposer.of(new MemoryStore());

describe('resolveConfig', () => {
  it('fills in the defaults and leaves the given object alone', () => {
    const given = { storeComposer };
    expect(resolveConfig(given)).toMatchObject({
      maxSize: 0,
      basePath: '/files/',
      networkTimeout: 60_000,
      acquireLockTimeout: 20_000,
      gracefulRequestCompletionTimeout: 10_000,
      uploadProgressInterval: 1_000,
      notifyCompleteUploads: true,
      notifyUploadProgress: true,
      disableDownload: false,
    });
    expect(Object.keys(given)).toEqual(['storeComposer']);
  });

  it.each([
    ['files', '/files/'],
    ['/files', '/files/'],
    ['https://up.example/files', 'https://up.example/files/'],
    ['/', '/'],
  ])('completes the base path %s', (basePath, expected) =>
    expect(resolveConfig({ storeComposer, basePath }).basePath).toBe(expected),
  );

  it('anchors allowOrigin', () => {
    const { allowOrigin } = resolveConfig({
      storeComposer,
      cors: { allowOrigin: /https:\/\/a\.example/ },
    }).cors;
    expect(allowOrigin.test('https://a.example')).toBe(true);
    expect(allowOrigin.test('https://a.example.evil.io')).toBe(false);
    expect(DEFAULT_CORS_CONFIG.allowOrigin.source).toBe('.*');
  });

  it('takes credentials for origins that are named, and where there is no CORS', () => {
    const allowOrigin = /https:\/\/a\.example/;
    const named = resolveConfig({ storeComposer, cors: { allowCredentials: true, allowOrigin } });
    expect(named.cors.allowCredentials).toBe(true);
    expect(() =>
      resolveConfig({ storeComposer, disableCors: true, cors: { allowCredentials: true } }),
    ).not.toThrow();
  });

  it('takes disableCors for cors.disable', () => {
    expect(resolveConfig({ storeComposer, disableCors: true }).cors.disable).toBe(true);
  });

  it.each<[object, RegExp]>([
    [
      { storeComposer: undefined },
      /storeComposer is missing: write `storeComposer: StoreComposer.of\(store, locker\)`/,
    ],
    [{ storeComposer: new StoreComposer() }, /has no core store: call `composer.useCore\(store\)`/],
    [{ maxSize: -1 }, /maxSize is -1: write a whole number of bytes/],
    [{ maxSize: 1.5 }, /maxSize is 1.5/],
    [{ networkTimeout: 0 }, /networkTimeout is 0: write milliseconds, more than 0/],
    [{ networkTimeout: Infinity }, /networkTimeout is Infinity/],
    [{ uploadProgressInterval: Number.NaN }, /uploadProgressInterval is NaN/],
    [{ basePath: '/a b' }, /basePath is "\/a b": write a path such as/],
    [{ basePath: '/a?b' }, /basePath/],
    [{ disableDownload: 'yes' }, /disableDownload is "yes": write true or false/],
    [{ preFinishResponseCallback: {} }, /preFinishResponseCallback is an object: write a function such as/],
    [
      { cors: { allowOrigin: 'https://a' } },
      /cors.allowOrigin is "https:\/\/a": write a RegExp such as \/https:/,
    ],
    [{ basePath: 'https://ada:s3cret@up.example/files' }, /basePath is "https:\/\/\*\*\*@up.example\/files"/],
    [{ basePath: '//evil.example/' }, /basePath is "\/\/evil.example\/": write a path/],
    [{ basePath: '/a/../b' }, /basePath/],
    [{ basePath: '/a%zz/' }, /basePath/],
    [{ basePath: 'https://a.example//b' }, /basePath/],
    [{ basePath: 'ftp://up.example/files' }, /basePath/],
    [{ cors: false }, /cors is false: write an object .* or \{ disable: true \} for none/],
    [{ cors: { origin: 'https://a.test' } }, /cors.origin is unknown: write cors.allowOrigin, a RegExp/],
    [{ cors: { credentials: true } }, /cors.credentials is unknown: write cors.allowCredentials/],
    [{ cors: { maxAge: 86400 } }, /cors.maxAge is 86400: write seconds as text/],
    [{ cors: { exposeHeaders: 'X-A\r\nSet-Cookie: a' } }, /cors.exposeHeaders is "X-A\\r\\nSet-Cookie: a"/],
    [{ cors: { allowCredentials: true } }, /cors.allowCredentials lets every site .* write cors.allowOrigin/],
    [{ cors: { allowCredentials: true, allowOrigin: /https?:.+/ } }, /write cors.allowOrigin/],
    [
      { expiration: { after: 8_640_000_000_000_000 } },
      /expiration.after is 8640000000000000: write a whole number of milliseconds from 0 to 31536000000000/,
    ],
    [{ expiration: { interval: 5 } }, /expiration.interval is unknown: write expiration.sweepInterval/],
    [{ expiration: 5 }, /expiration is 5: write an object such as \{ after/],
    [
      { postFinish: { retryDelay: 600_000 } },
      /postFinish.retryDelay is 600000: write at most postFinish.maxRetryDelay/,
    ],
    [{ postFinish: { retries: 3 } }, /postFinish.retries is unknown/],
    [{ logger: false }, /logger is false: write an object with the methods error, warn and log/],
    [{ logger: { ...console, debug: 'on' } }, /logger is an object: write/],
    [{ maxFilesize: 5 }, /maxFilesize is unknown/],
    [{ expiration: { after: -5 } }, /expiration.after is -5: write a whole number of milliseconds from 0/],
  ])('refuses %p and says what to write', (options, message) => {
    expect(() => resolveConfig({ storeComposer, ...options })).toThrow(message);
  });
});
