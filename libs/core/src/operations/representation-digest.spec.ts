import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FileInfo } from '../file-info.js';
import type { Upload } from '../store/data-store.js';
import { RepresentationDigest } from './representation-digest.js';

const CONTENT = Buffer.from('hello world');
const EXPECTED = createHash('sha256').update(CONTENT).digest();

/** An upload that counts how often it is read. */
function upload(): Upload & { reads: number } {
  const counted = {
    reads: 0,
    getReader: async () => {
      counted.reads += 1;
      return Readable.from([CONTENT]);
    },
  };
  return counted as unknown as Upload & { reads: number };
}

function at(offset: number, digests: FileInfo['digests'] = { wanted: 'sha-256=1' }): FileInfo {
  return { id: 'u', offset, size: CONTENT.length, digests } as FileInfo;
}

function receive(digests: RepresentationDigest, from: number, to: number, stored = to): void {
  const run = digests.start(at(from));
  run?.inspect(CONTENT.subarray(from, to));
  run?.keep(stored);
}

describe('the running digest of an upload', () => {
  it('goes on over its requests, and reads nothing', async () => {
    const digests = new RepresentationDigest();
    receive(digests, 0, 5);
    receive(digests, 5, 11);
    const stored = upload();
    expect((await digests.of(stored, at(11), {})).get('sha-256')).toEqual(EXPECTED);
    expect(stored.reads).toBe(0);
  });

  it('is as it was after a request whose content was taken back', async () => {
    const digests = new RepresentationDigest();
    receive(digests, 0, 5);
    receive(digests, 5, 8, 5);
    receive(digests, 5, 11);
    expect((await digests.of(upload(), at(11), {})).get('sha-256')).toEqual(EXPECTED);
  });

  it('is read from the store when somebody else received a part', async () => {
    const digests = new RepresentationDigest();
    receive(digests, 0, 5);
    expect(digests.start(at(8))).toBeUndefined();
    const stored = upload();
    expect((await digests.of(stored, at(11), {})).get('sha-256')).toEqual(EXPECTED);
    expect(stored.reads).toBe(1);
  });

  it('is forgotten with its upload, and the oldest of too many', async () => {
    const digests = new RepresentationDigest();
    receive(digests, 0, 11);
    digests.forget('u');
    const stored = upload();
    await digests.of(stored, at(11), {});
    expect(stored.reads).toBe(1);
    receive(digests, 0, 11);
    for (let other = 0; other < 1_000; other += 1) {
      digests.start({ ...at(0), id: `other ${other}` })?.keep(0);
    }
    await digests.of(stored, at(11), {});
    expect(stored.reads).toBe(2);
  });

  it('is not computed for an upload that asks for none', () => {
    expect(new RepresentationDigest().start(at(0, { wanted: 'md5=1' }))).toBeUndefined();
    expect(new RepresentationDigest().start({ ...at(0), digests: undefined })).toBeUndefined();
  });
});
