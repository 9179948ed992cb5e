import type { FileInfo } from '../file-info.js';
import { resolveConfig } from '../resolve-config.js';
import { MemoryStore } from '../store/memory-store.js';
import { StoreComposer } from '../store/store-composer.js';
import type { Config } from '../config.js';
import { uploadLimit } from './upload-limit.js';

const NOW = Date.UTC(2030, 0, 1);

function limit(config: Partial<Config>, info?: Partial<FileInfo>, ageKey: 'max-age' | 'expires' = 'max-age') {
  const resolved = resolveConfig({ storeComposer: StoreComposer.of(new MemoryStore()), ...config });
  return uploadLimit(resolved, { ageKey }, info as FileInfo | undefined, NOW);
}

describe('Upload-Limit', () => {
  it('is never empty', () => {
    expect(limit({})).toBe('min-size=0');
  });

  it('has every limit of the options', () => {
    expect(
      limit({ maxSize: 9, minSize: 1, minAppendSize: 2, maxAppendSize: 3, expiration: { after: 61_999 } }),
    ).toBe('min-size=1, max-size=9, min-append-size=2, max-append-size=3, max-age=61');
  });

  it.each([
    [{ maxSize: 5 }, 'min-size=0, max-size=5'],
    [{ maxSize: 50 }, 'min-size=0, max-size=9'],
    [{ expiresAt: new Date(NOW + 2_500) }, 'min-size=0, max-size=9, max-age=2'],
  ])('is that of the upload: %j', (info, expected) => {
    expect(limit({ maxSize: 9 }, { protocol: 'ietf', ...info })).toBe(expected);
  });

  it('tells no age of an upload that is finished', () => {
    expect(limit({}, { protocol: 'ietf', state: 'finished', expiresAt: new Date(NOW + 2_500) })).toBe(
      'min-size=0',
    );
  });

  it('names the age as the version does', () => {
    expect(limit({ expiration: { after: 5_000 } }, undefined, 'expires')).toBe('min-size=0, expires=5');
  });
});

describe('the options', () => {
  it.each([
    [{ minSize: -1 }, /^minSize is -1: write a whole number of bytes/],
    [{ minAppendSize: 1.5 }, /^minAppendSize is 1.5: write/],
    [{ maxAppendSize: Number.NaN }, /^maxAppendSize is NaN: write/],
    [{ minSize: 11, maxSize: 10 }, /^minSize is 11: write at most maxSize, 10/],
    [{ minAppendSize: 11, maxAppendSize: 10 }, /^minAppendSize is 11: write at most maxAppendSize, 10/],
  ])('%j is refused', (options, message) => {
    expect(() => limit(options)).toThrow(message);
  });
});
