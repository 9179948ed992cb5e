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
    [{ disableDownload: 'yes' }, /disableDownload is yes: write true or false/],
    [{ preFinishResponseCallback: {} }, /preFinishResponseCallback is no function/],
    [{ cors: { allowOrigin: 'https://a' } }, /allowOrigin is no regular expression/],
    [{ expiration: { after: -5 } }, /expiration.after is -5: write a whole number of milliseconds/],
  ])('refuses %p and says what to write', (options, message) => {
    expect(() => resolveConfig({ storeComposer, ...options })).toThrow(message);
  });
});
