import { S3Client } from '@aws-sdk/client-s3';
import { resolveOptions } from './options.js';

const MIB = 1024 ** 2;

describe('S3Store options', () => {
  it('have defaults for all but the bucket', () => {
    expect(resolveOptions({ bucket: 'uploads' })).toMatchObject({
      objectPrefix: '',
      key: '{id}',
      partSize: 8 * MIB,
      minPartSize: 5 * MIB,
      maxParts: 10_000,
      concurrency: 16,
      maxBufferedBytes: 128 * MIB,
    });
    expect(resolveOptions({ bucket: 'uploads', minPartSize: 16 * MIB }).partSize).toBe(16 * MIB);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ bucket: '' }, 'bucket'],
    [{ bucket: 'uploads', objectPrefix: '/x' }, 'objectPrefix'],
    [{ bucket: 'uploads', objectPrefix: 'x'.repeat(900) }, 'up to 874 bytes'],
    [{ bucket: 'uploads', objectPrefix: 'a\n' }, 'objectPrefix'],
    [{ bucket: 'uploads', key: 'all' }, '`key`'],
    [{ bucket: 'uploads', object: { cacheControl: 60 } }, '`object`: cacheControl is text'],
    [{ bucket: 'uploads', object: Promise.resolve({}) }, 'returns one at once'],
    [{ bucket: 'uploads', partSize: 1 }, 'partSize is 1: write a whole number from 5242880'],
    [{ bucket: 'uploads', partSize: 2 ** 40 }, '5368709120'],
    [{ bucket: 'uploads', minPartSize: 0 }, 'minPartSize'],
    [{ bucket: 'uploads', maxParts: 10_001 }, 'maxParts'],
    [{ bucket: 'uploads', concurrency: 0 }, 'concurrency'],
    [{ bucket: 'uploads', concurrencyPerUpload: 1.5 }, 'concurrencyPerUpload'],
    [{ bucket: 'uploads', maxBufferedBytes: Number.NaN }, 'maxBufferedBytes'],
    [{ bucket: 'uploads', requestTimeout: -1 }, 'requestTimeout'],
    [{ bucket: 'a/b' }, 'bucket is "a/b": write the name of a bucket'],
    [{}, 'bucket is missing'],
    [{ bucket: 'uploads', equalParts: 'false' }, 'equalParts is "false": write true or false'],
    [{ bucket: 'uploads', partsize: 5 }, 'partsize is unknown: write partSize, a whole number'],
    [{ bucket: 'uploads', prefix: 'x/' }, 'prefix is unknown: write objectPrefix'],
    [{ bucket: 'uploads', client: {} }, 'client is an object: write an S3Client'],
    [{ bucket: 'uploads', clientConfig: [] }, 'clientConfig is an array: write settings of an S3Client'],
    [
      { bucket: 'uploads', clientConfig: { endpoint: 'https://ada:s3cret@s3.example.com' } },
      'holds no password',
    ],
    [{ bucket: 'uploads', object: { cachecontrol: 'a' } }, '`object`: cachecontrol is unknown'],
    [
      { bucket: 'uploads', presignedDownloads: { lifetime: 1_000, ttl: 5 } },
      'presignedDownloads.ttl is unknown',
    ],
    [
      {
        bucket: 'uploads',
        presignedDownloads: { lifetime: 1_000, endpoint: 'https://ada:s3cret@cdn.example' },
      },
      'without a password',
    ],
    [{ bucket: 'uploads', conditionalWrites: 'none' }, 'conditionalWrites'],
    [{ bucket: 'uploads', presignedDownloads: true }, '{ lifetime: 300_000 }'],
    [
      { bucket: 'uploads', presignedDownloads: {} },
      'presignedDownloads.lifetime is missing: write a whole number from 1000',
    ],
    [{ bucket: 'uploads', presignedDownloads: { lifetime: 604_800_001 } }, '604800000'],
    [
      { bucket: 'uploads', presignedDownloads: { lifetime: 1_000, endpoint: 'cdn' } },
      'https://s3.example.com',
    ],
    [{ bucket: 'uploads', client: new S3Client({}), clientConfig: {} }, 'not both'],
  ])('refuse %j', (options, text) => {
    expect(() => resolveOptions(options as never)).toThrow(text);
    expect(() => resolveOptions(options as never)).toThrow(TypeError);
    expect(() => resolveOptions(options as never)).toThrow(/^S3Store: ((?!s3cret).)*$/);
  });
});
